/* The page of settings: messages in this browser, on and off. */
import { $ } from "../shared/jquery.js";
import { call, refusalOf } from "../shared/server.js";

const KNOWN = "push-subscription"; // the server's id of this browser's subscription

function show(isOn, sentence) {
  $("#push").prop("hidden", false);
  $("#push-on").prop("hidden", isOn);
  $("#push-off").prop("hidden", !isOn);
  $("#push-said").text(sentence ?? "");
}

/* The key as browsers want it. */
function bytesOf(key) {
  const text = atob(key.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

async function turnOn() {
  try {
    const registration = await navigator.serviceWorker.register("/service-worker.js");
    const applicationServerKey = bytesOf($("#push").data("key"));
    const options = { userVisibleOnly: true, applicationServerKey };
    const { endpoint, keys } = (await registration.pushManager.subscribe(options)).toJSON();
    const content = { contentType: "application/json", data: JSON.stringify({ endpoint, keys }) };
    const kept = await call("POST", $("#push").data("url"), content);
    localStorage.setItem(KNOWN, kept.id);
    show(true, $("#push").data("on"));
  } catch (problem) {
    show(false, refusalOf(problem)?.message ?? $("#push").data("refused"));
  }
}

async function turnOff() {
  const registration = await navigator.serviceWorker.getRegistration();
  const subscription = await registration?.pushManager.getSubscription();
  await subscription?.unsubscribe();
  const known = localStorage.getItem(KNOWN);
  if (known) {
    call("DELETE", `${$("#push").data("url")}/${known}`, { dataType: "text" });
    localStorage.removeItem(KNOWN);
  }
  show(false);
}

async function startPush() {
  if (!("serviceWorker" in navigator && "PushManager" in globalThis)) {
    return;
  }
  const registration = await navigator.serviceWorker.getRegistration();
  const subscription = await registration?.pushManager.getSubscription();
  show(Boolean(subscription && localStorage.getItem(KNOWN)));
  $("#push-on").on("click", turnOn);
  $("#push-off").on("click", turnOff);
}

if ($("#push").length) {
  startPush();
}
