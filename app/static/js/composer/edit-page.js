/* On the edit page: what is changed is kept until it is saved, and leaving with changes asks. */
(function ($) {
  "use strict";

  const page = window.TweetLater;
  const { say, editDraft } = page;

  const $form = $("#edit");
  const tweet = String($form.data("tweet"));
  const address = `${window.location.pathname.replace(/\/edit$/, "")}/edit${jobOf()}`;
  let isLeaving = false;

  function jobOf() {
    const job = $form.find("[name='job_id']").val();
    return job ? `?job_id=${encodeURIComponent(job)}` : "";
  }

  /* All that can be written here, by name: as it is now, or as the server wrote it. */
  function written(property = "value") {
    const boxes = (root) => $(root).find("[data-writing] textarea").get();
    const own = $form.find("[data-variant] > [data-writing] textarea").get();
    const threads = $form.find("[data-thread]").get();
    return {
      text: $("#text").prop(property),
      when: $("#when").prop(property) ?? "",
      threads: Object.fromEntries(threads.map((root) => [root.dataset.thread, boxes(root).map((box) => box[property])])),
      variants: Object.fromEntries(own.map((box) => [box.id, box[property]])),
      pictures: page.pictures.kept(),
    };
  }

  /* A form that was refused has what was typed, and not what is stored. */
  const wasRefused = $form.find("[aria-invalid]").length > 0 || $("#trouble").text().trim() !== "";
  // Somebody may have typed before this script ran.
  const before = wasRefused ? null : JSON.stringify(written("defaultValue"));

  function isChanged() {
    return JSON.stringify(written()) !== before;
  }

  function keep() {
    if (isChanged()) {
      editDraft.keep({ tweet, address, ...written() });
    } else {
      editDraft.forget();
    }
  }

  function restore() {
    const kept = editDraft.read();
    if (wasRefused || !kept || kept.address !== address) {
      return;
    }
    $("#text").val(kept.text);
    page.threads.forEach(({ name, add, clear, texts }) => {
      const wanted = kept.threads[name] ?? [];
      if (wanted.length < texts().length) {
        clear();
      }
      const have = texts().length;
      wanted.slice(have).forEach((text) => add(text));
      $form.find(`[data-thread="${name}"] [data-parts] [data-writing] textarea`).each((index, box) => {
        box.value = wanted[index];
      });
    });
    Object.entries(kept.variants).forEach(([id, text]) => $(`#${id}`).val(text));
    $form.find("[data-variants]").prop("open", Object.values(kept.variants).some(Boolean));
    if (kept.when && kept.when !== $("#when").val()) {
      page.when?.set(kept.when);
    }
    if (JSON.stringify(kept.pictures) !== JSON.stringify(page.pictures.kept())) {
      page.pictures.clear();
      page.pictures.restore(kept.pictures);
    }
    page.count();
    keep();
    if (isChanged()) {
      $("#trouble").text(say("restored"));
    }
  }

  $form.on("input change pictures:changed", keep);
  $form.on("submit", (event) => {
    isLeaving = !event.isDefaultPrevented();
    if (isLeaving) {
      keep();
    }
  });
  window.addEventListener("pageshow", () => {
    isLeaving = false;
  });
  window.addEventListener("beforeunload", (event) => {
    if (!isLeaving && isChanged()) {
      event.preventDefault();
      event.returnValue = ""; // what older browsers ask for
    }
  });
  restore();
})(jQuery);
