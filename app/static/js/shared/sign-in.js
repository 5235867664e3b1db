/* The sign-in page: takes the browser's time zone along, for a person whose zone is not known yet. */
import { $ } from "./jquery.js";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
$("[data-sign-in]").attr("href", (_, address) =>
  zone ? `${address}?timezone=${encodeURIComponent(zone)}` : address,
);
