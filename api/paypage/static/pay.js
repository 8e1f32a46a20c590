// The page works without this script: then it loads itself again every ten seconds, and the code is copied by hand.
"use strict";

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const code = document.getElementById(button.dataset.copy);
    code.select();
    try {
      await navigator.clipboard.writeText(code.value);
    } catch {
      document.execCommand("copy"); // over http there is no clipboard
    }
    button.textContent = button.dataset.copied;
  });
}

const address = document.body.dataset.events;
if (address) {
  const news = new EventSource(address);
  news.addEventListener("changed", () => location.reload());
  news.addEventListener("error", () => {
    if (news.readyState === EventSource.CLOSED) {
      setTimeout(() => location.reload(), 10000);
    }
  });
}
