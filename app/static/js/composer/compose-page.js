/* The start page of somebody who is signed in: the composer and the list of tweets. */
import { startActions } from "../cards/actions.js";
import { startBulk } from "../cards/bulk.js";
import { startPoller } from "../cards/poller.js";
import { startSilence } from "../cards/silence.js";
import { editDraft } from "../shared/drafts.js";
import { $ } from "../shared/jquery.js";
import { templateOf } from "../shared/page.js";
import { startIdeas } from "./ideas.js";
import { startWriting } from "./writing.js";

/* Changes on an edit page that were not saved: offer them. */
function offerUnsaved() {
  const unsaved = editDraft.read();
  if (unsaved) {
    const $unsaved = $("#unsaved").append(templateOf("unsaved-template").cloneNode(true));
    $unsaved.find("[data-go-on]").attr("href", unsaved.address);
    $unsaved.find("[data-discard]").on("click", () => {
      editDraft.forget();
      $unsaved.empty();
    });
  }
}

startPoller();
startActions();
startBulk();
startWriting();
offerUnsaved();
startSilence();
startIdeas();
