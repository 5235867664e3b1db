/* Sends the file of one picture, and shows how much of it is there. */
import { call, refusalOf } from "../shared/server.js";
import { adopt, refuse, say } from "./picture-item.js";

const UPLOAD_TIMEOUT_MS = 180000;

function requestWithProgress($item) {
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", (event) => {
    $item.find("progress").val((100 * event.loaded) / (event.total || 1));
  });
  return request;
}

/* Send a file; the item becomes its picture, or says why not. Return what ends with it. */
export function upload($item, file, url) {
  const data = new FormData();
  data.append("picture", file, file.name || "picture");
  const sent = call("POST", url, {
    data,
    xhr: () => requestWithProgress($item),
    processData: false,
    contentType: false,
    timeout: UPLOAD_TIMEOUT_MS,
  });
  $item.data("request", sent); // so that it can be stopped
  return sent
    .then(
      (picture) => adopt($item, picture),
      (response) => {
        if ($item[0].isConnected) {
          refuse($item, refusalOf(response)?.message ?? say("notUploaded", { name: file.name }));
        }
      },
    )
    .always(() => $item.removeData("request"));
}
