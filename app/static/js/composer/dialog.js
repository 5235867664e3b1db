/* The composer in the dialog of any page: when it is stored, the page says so. */
import { $ } from "../shared/jquery.js";
import { notice } from "../shared/messages.js";
import { say, urls } from "../shared/page.js";
import { startSurprise } from "./ideas.js";
import { startWriting } from "./writing.js";

const $form = $("#composer");

startWriting();
startSurprise();
$form.on("composer:stored", (_, tweetId, told) => {
  $form.closest("dialog")[0].close();
  const $show = $("<a>", { href: urls.tweet.replace("0", tweetId), text: say("showIt") });
  notice([document.createTextNode(`${told} `), $show[0]]);
});
