"use strict";
(() => {
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const Context = window.AudioContext || window.webkitAudioContext;
  let context = null;
  let sounding = null;

  const bytesOf = (uri) => {
    const text = atob(uri.slice(uri.indexOf(",") + 1));
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
    return bytes.buffer;
  };

  // All sounds of a group run together on one clock and all but one are faded out,
  // so that a switch lands on the very same moment.
  class Group {
    constructor(root) {
      this.root = root;
      this.seconds = Number(root.dataset.seconds);
      this.players = [...root.querySelectorAll("audio")];
      this.tracks = [...root.querySelectorAll(".track")];
      this.button = root.querySelector(".play");
      this.seek = root.querySelector(".seek");
      this.now = root.querySelector(".now");
      this.again = root.querySelector(".again input");
      this.choices = [...root.querySelectorAll(".switch input")];
      this.buffers = null;
      this.voices = [];
      this.at = 0;
      this.chosen = 0;
      this.listen();
      root.classList.add("live");
      root.querySelector(".transport").hidden = false;
    }

    listen() {
      this.button.addEventListener("click", () => (this.voices.length ? this.pause() : this.play()));
      this.seek.addEventListener("input", () => this.move(Number(this.seek.value)));
      this.choices.forEach((choice, index) => choice.addEventListener("change", () => this.choose(index)));
      this.root.querySelectorAll(".wave .pane, .heat .pane").forEach((pane) => {
        const place = (event) => {
          const box = pane.getBoundingClientRect();
          this.move(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * this.seconds);
        };
        pane.addEventListener("pointerdown", (event) => { pane.setPointerCapture(event.pointerId); place(event); });
        pane.addEventListener("pointermove", (event) => { if (event.buttons & 1) place(event); });
      });
    }

    async load() {
      if (!context) {
        if (navigator.audioSession) navigator.audioSession.type = "playback";
        context = new Context();
      }
      if (context.state === "suspended") await context.resume();
      if (!this.buffers) {
        this.buffers = await Promise.all(this.players.map((player) => context.decodeAudioData(bytesOf(player.src))));
      }
    }

    async play() {
      if (this.starting) return;
      this.starting = true;
      try {
        await this.load();
      } catch (error) {
        this.surrender();
        return;
      } finally {
        this.starting = false;
      }
      if (sounding && sounding !== this) sounding.pause();
      sounding = this;
      if (this.at >= this.seconds - 0.01) this.at = 0;
      this.start();
      this.state(true);
      this.follow();
    }

    start() {
      const begin = context.currentTime + 0.02;
      const from = this.at;
      this.origin = begin - from;
      this.voices = this.buffers.map((buffer, index) => {
        const gain = context.createGain();
        gain.gain.value = index === this.chosen ? 1 : 0;
        gain.connect(context.destination);
        const source = context.createBufferSource();
        source.buffer = buffer;
        source.connect(gain);
        if (from < buffer.duration) source.start(begin, from);
        return { source, gain, started: from < buffer.duration };
      });
      const longest = this.buffers.reduce((best, b, i) => (b.duration > this.buffers[best].duration ? i : best), 0);
      const token = this.voices;
      this.voices[longest].source.onended = () => { if (this.voices === token) this.finish(); };
    }

    halt() {
      const voices = this.voices;
      this.voices = [];
      voices.forEach(({ source, gain, started }) => {
        gain.gain.setTargetAtTime(0, context.currentTime, 0.003);
        if (started) source.stop(context.currentTime + 0.03);
      });
    }

    finish() {
      this.voices = [];
      if (this.again.checked) { this.at = 0; this.start(); return; }
      this.at = this.seconds;
      this.show();
      this.state(false);
    }

    pause() {
      if (!this.voices.length) return;
      this.at = this.position();
      this.halt();
      this.show();
      this.state(false);
    }

    move(seconds) {
      const playing = this.voices.length > 0;
      if (playing) this.halt();
      this.at = Math.min(seconds, this.seconds);
      this.show();
      if (!playing) return;
      if (this.at < this.seconds - 0.01) this.start();
      else this.finish();
    }

    choose(index) {
      this.chosen = index;
      this.tracks.forEach((track, i) => track.classList.toggle("chosen", i === index));
      this.voices.forEach(({ gain }, i) => gain.gain.setTargetAtTime(i === index ? 1 : 0, context.currentTime, 0.004));
    }

    position() {
      if (!this.voices.length) return this.at;
      return Math.min(this.seconds, Math.max(0, context.currentTime - this.origin));
    }

    state(playing) {
      this.root.classList.toggle("playing", playing);
      this.button.setAttribute("aria-label", playing ? "Pause" : "Play");
    }

    show() {
      const at = this.position();
      this.root.classList.add("started");
      this.root.style.setProperty("--at", this.seconds ? at / this.seconds : 0);
      this.seek.value = at;
      this.now.textContent = at.toFixed(1);
    }

    follow() {
      if (this.following) return;
      const step = () => {
        this.following = this.voices.length > 0;
        if (!this.following) return;
        this.show();
        if (calm.matches) setTimeout(step, 500);
        else requestAnimationFrame(step);
      };
      step();
    }

    surrender() {
      this.root.classList.remove("live");
      this.root.querySelector(".transport").hidden = true;
    }
  }

  if (Context) {
    document.querySelectorAll(".listen").forEach((root) => {
      if (root.querySelectorAll("audio").length === root.querySelectorAll(".track").length) root.group = new Group(root);
    });
  }

  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  if (links.size && window.IntersectionObserver) {
    const watch = new IntersectionObserver((seen) => {
      const entry = seen.find((one) => one.isIntersecting);
      if (!entry) return;
      links.forEach((link, name) => {
        if (name === entry.target.id) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      });
    }, { rootMargin: "0px 0px -70% 0px" });
    document.querySelectorAll("main h2[id]").forEach((heading) => watch.observe(heading));
  }
})();
