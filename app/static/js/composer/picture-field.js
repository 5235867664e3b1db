/* Pictures of a tweet's parts: chosen, sent at once, described, put in order.

   Every picture is an item of a list with a hidden field that carries its id; the form sends those
   and the descriptions by itself. */
(function ($) {
  "use strict";

  const MOST = 4;
  const MOST_BYTES = 40e6;
  const FEWEST_WORDS = 1000;
  const UPLOAD_TIMEOUT_MS = 180000;
  const FIRST_LOOK_MS = 600;
  const LONGEST_PAUSE_MS = 5000;
  const page = window.TweetLater;
  const { announce, call, refusalOf } = page;
  const words = JSON.parse($("#picture-words").text());
  const template = $("#picture-template")[0].content.firstElementChild;

  function say(name, values = {}) {
    return words[name].replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
  }

  /* The fewest characters that a chosen network takes for a description. */
  function mostWords() {
    const chosen = $("[data-alt-limit]").filter(":checked, [data-ticked]").get();
    const limits = chosen.map((one) => Number(one.dataset.altLimit));
    return limits.length ? Math.min(...limits) : FEWEST_WORDS;
  }

  /* One field: a list, a button and what is on its way. */
  function field(root) {
    const $root = $(root);
    const $list = $root.find("[data-list]");
    const $add = $root.find("[data-add]");
    const $files = $root.find("[data-files]");
    const $error = $root.children(".field-error");
    const items = () => $list.children();
    const isRefused = ($item) => $item.attr("data-state") === "refused";

    function complain(sentence) {
      $error.text(sentence);
      announce(sentence);
    }

    /* Numbers, what the buttons say, and which of them do something. */
    function renumber() {
      const last = items().length;
      items().each(function (index) {
        const number = index + 1;
        const $item = $(this);
        $item.find("label.form-label").text(say("described", { number }));
        $item.find("[data-move='-1']").attr("aria-label", say("up", { number })).prop("disabled", number === 1);
        $item.find("[data-move='1']").attr("aria-label", say("down", { number })).prop("disabled", number === last);
        $item.find("[data-remove]").attr("aria-label", say("remove", { number }));
      });
      $add.prop("disabled", last >= MOST);
      $root.trigger("pictures:changed");
    }

    function count($item) {
      const $alt = $item.find("textarea");
      $item.find(".picture-count").text(say("count", { count: [...$alt.val()].length, most: mostWords() }));
    }

    function setState($item, state, sentence = "") {
      $item.attr("data-state", state);
      $item.find("[data-says]").text(sentence);
      $item.find("progress").prop("hidden", state !== "uploading");
    }

    function refuse($item, sentence) {
      setState($item, "refused");
      $item.find("input[type='hidden']").prop("disabled", true);
      $item.find("textarea").prop("disabled", true);
      $item.find(".field-error").text(sentence);
      announce(sentence);
    }

    /* Show a picture as the server has it; ask again while a worker is at it. */
    function follow($item, picture, pause = FIRST_LOOK_MS) {
      if (!$item[0].isConnected) {
        return;
      }
      if (picture.state === "refused") {
        refuse($item, picture.error.message);
      } else if (picture.state === "ready") {
        $item.find("img").attr("src", picture.thumb_url).prop("hidden", false);
        setState($item, "ready");
        announce(say("ready", { number: $item.index() + 1 }));
      } else {
        setState($item, "processing", say("preparing"));
        const again = (next) => follow($item, next, Math.min(1.5 * pause, LONGEST_PAUSE_MS));
        setTimeout(() => call("GET", picture.url).then(again, () => again(picture)), pause);
      }
      $root.trigger("pictures:changed");
    }

    function adopt($item, picture) {
      const id = `alt-${picture.id}`;
      $item.attr({ "data-picture": picture.id, "data-url": picture.url });
      $item.find("input[type='hidden']").val(picture.id).prop("disabled", false);
      $item.find("textarea").attr({ id, name: id, "aria-describedby": `alt-hint-${picture.id}` });
      $item.find("label.form-label").attr("for", id);
      $item.find(".form-text").attr("id", `alt-hint-${picture.id}`);
      follow($item, picture);
    }

    function upload($item, file) {
      const data = new FormData();
      data.append("picture", file, file.name || "picture");
      const xhr = () => {
        const request = new window.XMLHttpRequest();
        request.upload.addEventListener("progress", (event) => {
          $item.find("progress").val((100 * event.loaded) / (event.total || 1));
        });
        return request;
      };
      const options = { data, xhr, processData: false, contentType: false, timeout: UPLOAD_TIMEOUT_MS };
      const sent = call("POST", $root.data("url"), options);
      $item.data("request", sent);
      sent.then(
        (picture) => adopt($item, picture),
        (response) => {
          if ($item[0].isConnected) {
            refuse($item, refusalOf(response)?.message ?? say("notUploaded", { name: file.name }));
          }
        },
      ).always(() => {
        $item.removeData("request");
        $root.trigger("pictures:changed");
      });
    }

    /* Add an item; its description can be written while its picture is on its way. */
    function added() {
      const $item = $(template.cloneNode(true));
      const id = `alt-new-${Math.random().toString(36).slice(2)}`;
      $item.find("input[type='hidden']").attr("name", root.dataset.name).prop("disabled", true);
      $item.find("textarea").attr({ id, "aria-describedby": `hint-${id}` }).removeAttr("name");
      $item.find("label.form-label").attr("for", id);
      $item.find(".form-text").attr("id", `hint-${id}`);
      setState($item, "uploading");
      return $item.appendTo($list);
    }

    function begin(file) {
      const $item = added();
      const sentence = say("uploading", { name: file.name });
      $item.find("progress").attr("aria-label", sentence);
      setState($item, "uploading", sentence);
      count($item);
      upload($item, file);
    }

    /* Show a picture again that was added before the page was left; one that is gone stays away. */
    function restore({ url, alt }) {
      const $item = added().attr("data-url", url);
      $item.find("textarea").val(alt);
      count($item);
      call("GET", url).then(
        (picture) => adopt($item, picture),
        () => void $item.remove(),
      ).always(renumber);
    }

    function kept() {
      const known = items().filter((_, item) => item.dataset.url && !isRefused($(item)));
      return known.get().map((item) => ({ url: item.dataset.url, alt: $(item).find("textarea").val() }));
    }

    function take(files) {
      $error.empty();
      for (const file of files) {
        if (items().length >= MOST) {
          complain(say("tooMany"));
          break;
        }
        if (file.size > MOST_BYTES) {
          complain(say("tooHeavy", { name: file.name }));
        } else {
          begin(file);
        }
      }
      renumber();
    }

    function forget($item) {
      $item.data("request")?.abort();
      if ($item.attr("data-picture")) {
        call("DELETE", $item.attr("data-url")); // a tweet's own stays; what is left over is swept
      }
      $item.remove();
    }

    function remove($item) {
      const $next = $item.next().add($item.prev()).first();
      forget($item);
      renumber();
      announce(say("removed"));
      ($next.find("[data-remove]")[0] ?? $add[0]).focus();
    }

    function move($item, $button) {
      if ($button.data("move") < 0) {
        $item.insertBefore($item.prev());
      } else {
        $item.insertAfter($item.next());
      }
      renumber();
      announce(say("moved", { number: $item.index() + 1 }));
      ($button.prop("disabled") ? $item.find("[data-move]:enabled") : $button).trigger("focus");
    }

    function isBusy() {
      return items().filter("[data-state='uploading']").length > 0;
    }

    /* After the tweet is stored: the pictures are its own now. */
    function clear() {
      $list.empty();
      $error.empty();
      renumber();
    }

    $add.on("click", () => $files.trigger("click"));
    $files.on("change", () => {
      const before = items().length;
      take([...$files[0].files]);
      $files.val("");
      items().eq(before).find("textarea").trigger("focus"); // a description is asked for
    });
    $list.on("click", "[data-remove]", function () {
      remove($(this).closest("li"));
    });
    $list.on("click", "[data-move]", function () {
      move($(this).closest("li"), $(this));
    });
    $list.on("input", "textarea", function () {
      count($(this).closest("li"));
    });
    $(document).on("change", "[name='accounts']", () => {
      items().each((_, item) => count($(item)));
    });
    items().each(function () {
      const $item = $(this);
      count($item);
      if (isRefused($item)) {
        refuse($item, $item.find(".field-error").text());
      } else if ($item.attr("data-state") === "processing") {
        follow($item, { state: "processing", url: $item.attr("data-url") });
      }
    });
    renumber();

    const askToWait = () => complain(say("wait"));
    const forgetAll = () => items().each((_, item) => forget($(item)));
    return { root, take, restore, kept, clear, forgetAll, isBusy, askToWait };
  }

  let fields = $("[data-pictures]").get().map(field);

  function attach(root) {
    fields.push(field(root));
  }

  /* Before a part is taken away with its pictures. */
  function detach(root) {
    fields.find((one) => one.root === root).forgetAll();
    fields = fields.filter((one) => one.root !== root);
  }

  /* The name tells the server which part of the thread the pictures belong to. */
  function rename(root, number) {
    const name = `pictures-${number}`;
    const $root = $(root).attr({ "data-name": name, "aria-label": page.say("picturesOf", { number: number + 1 }) });
    $root.children("input").add($root.find("[data-list] input[type='hidden']")).attr("name", name);
    $root.children(".field-error").attr("id", `${name}-error`);
  }

  page.pictures = {
    fields: () => fields,
    attach,
    detach,
    rename,
    kept: () => fields.map((one) => [one.root.dataset.name, one.kept()]).filter(([, pictures]) => pictures.length),
    restore: (all) => all.forEach(([name, pictures]) => {
      pictures.forEach(fields.find((one) => one.root.dataset.name === name)?.restore ?? $.noop);
    }),
    clear: () => fields.forEach((one) => one.clear()),
  };
})(jQuery);
