/* Shows messages while no page is open, and leads to their page. It keeps nothing. */

self.addEventListener("push", (event) => {
  const told = event.data.json();
  const shown = { body: told.text, data: { path: told.path }, tag: told.path };
  event.waitUntil(self.registration.showNotification(told.title, shown));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(event.notification.data.path));
});
