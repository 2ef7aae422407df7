// A screen that nobody attends to, for a year: it asks for itself, at each change and three times a minute, and takes over what
// comes. It shows nothing that is over, by the clock of the server; when the server is gone it says since when. Written
// for the browsers of old screens: no syntax from after 2017.
(function () {
  "use strict";
  const ASKED_EVERY = 20000, PATIENCE = 15000, LOST_AFTER = 45000, PROMISED = 10 * 60000, HEARD_AGAIN = 5 * 60000, FRESH_FOR = 24 * 3600000;
  let last = [performance.now(), Date.now()], passed = 0;
  const root = document.documentElement, main = document.querySelector("main");
  const scripts = assets(document);
  let made = Date.parse(main.dataset.made), zone = main.dataset.zone, dwell = 1000 * main.dataset.dwell;
  // Until the server has told its time, at the earliest when it made the page: a screen's own clock may be years off.
  let server = made, read = steady();
  let heard = steady(), place = 0, turned = steady(), asking = false, askAgain = false, asked = 0, stream = null, listened = 0;
  root.classList.add("js");
  if (location.hash === "#blank") root.classList.add("blank");

  // Milliseconds since the page was there. The one clock stands still while the screen sleeps, the other may be set back.
  function steady() {
    const told = [performance.now(), Date.now()];
    passed += Math.max(told[0] - last[0], told[1] - last[1], 0);
    last = told;
    return passed;
  }

  function now() {
    return server + steady() - read;
  }

  // What a new version brings: then the whole page is loaded anew.
  function assets(page) {
    return Array.from(page.querySelectorAll("script, link[rel=stylesheet]"), (each) => each.getAttribute("src") || each.getAttribute("href")).join();
  }

  function ask() {
    if (asking) {
      askAgain = true;
      return;
    }
    asking = true;
    asked = steady();
    const control = window.AbortController ? new AbortController() : null;
    const patience = setTimeout(() => control && control.abort(), PATIENCE);
    fetch(main.dataset.source, {cache: "no-cache", signal: control ? control.signal : undefined}).then((answer) => {
      if (!answer.ok) throw new Error(answer.status);
      const date = Date.parse(answer.headers.get("date"));
      return answer.text().then((text) => take(new DOMParser().parseFromString(text, "text/html"), date + 1000 * (answer.headers.get("age") || 0)));
    }).catch(() => {}).then(() => {
      clearTimeout(patience);
      asking = false;
      tick();
      if (askAgain) {
        askAgain = false;
        ask();
      }
    });
  }

  function take(page, date) {
    const fresh = page.querySelector("main");
    if (!fresh) throw new Error("something else answers");
    made = Date.parse(fresh.dataset.made);
    server = date || Math.max(made, now());
    read = heard = steady();
    if (assets(page) !== scripts || (steady() > FRESH_FOR && !fresh.querySelector(".screen"))) {
      location.reload();
      return;
    }
    zone = fresh.dataset.zone;
    dwell = 1000 * fresh.dataset.dwell;
    // Since when it isn't up to date is said of the page that is there.
    main.replaceChildren ? main.replaceChildren(...fresh.childNodes) : (main.innerHTML = fresh.innerHTML);
    root.classList.remove("unsure");
    fit();
    show(place);
  }

  function screens() {
    return Array.from(main.querySelectorAll(".screen"));
  }

  function show(which) {
    const all = screens();
    place = all.length ? which % all.length : 0;
    all.forEach((each, n) => each.classList.toggle("shown", n === place));
  }

  // The largest letters in which all of it fits.
  function fit() {
    for (const screen of screens()) {
      const room = screen.querySelector(".room"), side = Math.min(innerWidth, innerHeight);
      let low = side * 0.025, high = side * 0.16;
      for (let n = 0; n < 9; n++) {
        const middle = (low + high) / 2;
        screen.style.fontSize = `${middle}px`;
        if (room.scrollHeight <= room.clientHeight && room.scrollWidth <= room.clientWidth) low = middle;
        else high = middle;
      }
      screen.style.fontSize = `${low}px`;
    }
  }

  function tell(options) {
    return new Intl.DateTimeFormat("fr-FR", Object.assign({timeZone: zone, hourCycle: "h23"}, options)).format(now());
  }

  function tick() {
    const over = screens().filter((each) => Date.parse(each.dataset.until) <= now());
    if (over.length) {
      over.forEach((each) => each.remove());
      if (!screens().some((each) => each.dataset.until)) {
        // Whether anything else is on, nobody knows until the server has said so.
        screens().forEach((each) => each.remove());
        main.querySelector(".idle").classList.remove("behind");
        main.querySelectorAll(".screens").forEach((each) => each.remove());
        root.classList.add("unsure");
      }
      turned = steady();
      show(place);
      ask();
    } else if (steady() - turned >= dwell) {
      turned = steady();
      show(place + 1);
    }
    const hour = +tell({hour: "2-digit"}).replace(/\D/g, "");
    const isLost = steady() - heard > LOST_AFTER || now() - made > PROMISED;
    if (become("night", hour >= 22 || hour < 6) | become("is-lost", isLost)) fit();
    const clock = main.querySelector(".clock");
    if (clock) clock.textContent = tell({hour: "2-digit", minute: "2-digit"});
    if (steady() - asked > ASKED_EVERY) ask();
    if (stream && stream.readyState === 2 && steady() - listened > HEARD_AGAIN) listen();
  }

  // Whether that is new: either leaves less room for words.
  function become(state, is) {
    const isNew = is !== root.classList.contains(state);
    root.classList.toggle(state, is);
    return isNew;
  }

  function listen() {
    listened = steady();
    stream = new EventSource(main.dataset.events);
    stream.addEventListener("alerts", ask);
    stream.addEventListener("error", () => { if (steady() - asked > 5000) ask(); });
  }

  fit();
  show(0);
  addEventListener("resize", fit);
  addEventListener("online", ask);
  if (window.EventSource) listen();
  ask();
  tick();
  setInterval(tick, 1000);
})();
