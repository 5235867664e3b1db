/* All that the composer does, on its own page and in the dialog of any other. */
import { startBestHour } from "./best-hour.js";
import { startComposer } from "./composer.js";
import { startCounters } from "./counters.js";
import { startOptions } from "./options.js";
import { startPictureDrops } from "./picture-drops.js";
import { startPictures } from "./pictures.js";
import { startPreviews } from "./previews.js";
import { startSavedWords } from "./saved-words.js";
import { startThreads } from "./threads.js";
import { startTimeField } from "./time-field.js";
import { startVariants } from "./variants.js";

export function startWriting() {
  startVariants(); // first: the others look for their fields
  startOptions();
  startCounters();
  startPictures();
  startPictureDrops();
  startThreads();
  startPreviews();
  startSavedWords();
  startTimeField();
  startBestHour();
  startComposer();
}
