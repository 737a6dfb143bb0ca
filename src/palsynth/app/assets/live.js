// The tab Live: frames of the camera go to the server, its pictures are shown. Only the newest frame
// is sent, and none while two have no answer yet.
"use strict";

const live = { socket: null, stream: null, number: 0, answered: 0, sent: new Map(), times: [] };
const SHORT = 384;
const PENDING = 2;

function at(id) {
  return document.getElementById(id);
}

function say(text) {
  if (at("live-note").textContent !== text) at("live-note").textContent = text;
}

function enable(isLive) {
  for (const button of document.querySelectorAll(".live [data-do]"))
    button.disabled = (button.dataset.do === "start") === isLive;
}

function choose() {
  const form = document.querySelector(".live form");
  const choice = Object.fromEntries(new FormData(form));
  delete choice.mirrored;
  form.querySelector(".of-subject").hidden = choice.face !== "subject";
  document.querySelector(".live .made .label").textContent =
    choice.face === "subject" ? "Synthetic" : "Synthetic: simulated from a photo";
  document.querySelector(".live").classList.toggle("mirrored", form.mirrored.checked);
  if (live.socket?.readyState === WebSocket.OPEN) live.socket.send(JSON.stringify(choice));
}

async function start() {
  if (!navigator.mediaDevices?.getUserMedia) {
    say("The browser gives the camera to pages of this machine, or over HTTPS, only.");
    return;
  }
  enable(true);
  say("Waiting for the camera …");
  try {
    const video = { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: "user" };
    live.stream = await navigator.mediaDevices.getUserMedia({ video });
  } catch (error) {
    const reasons = {
      NotAllowedError: "The camera is not allowed. Allow it in the browser for this page.",
      NotFoundError: "No camera is found. Connect one and start again.",
      NotReadableError: "The camera is in use by another program.",
    };
    stop(reasons[error.name] ?? `The camera cannot be used (${error.name}).`);
    return;
  }
  const camera = at("live-camera");
  camera.srcObject = live.stream;
  await camera.play();
  live.stream.getVideoTracks()[0].onended = () => stop("The camera has stopped.");
  const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/palsynth/live`);
  socket.binaryType = "arraybuffer";
  Object.assign(live, { socket, number: 0, answered: 0, times: [] });
  live.sent.clear();
  let opened = false;
  socket.onopen = () => {
    opened = true;
    choose();
    say("Look straight at the camera with a relaxed face, and press Take rest.");
    nextFrame();
  };
  socket.onmessage = answer;
  socket.onclose = (closed) => {
    if (live.socket !== socket) return;
    stop(closed.reason || (opened ? "The connection has ended." : "The server cannot be reached."));
  };
}

function stop(why) {
  const socket = live.socket;
  live.socket = null;
  socket?.close();
  live.stream?.getTracks().forEach((track) => track.stop());
  live.stream = null;
  if (!at("live-camera")) return;
  at("live-camera").srcObject = null;
  enable(false);
  say(why ?? "Stopped.");
}

function nextFrame() {
  const camera = at("live-camera");
  if (!live.socket) return;
  const next = () => (camera.offsetParent === null ? stop() : frame(live.socket));
  if (camera.requestVideoFrameCallback) camera.requestVideoFrameCallback(next);
  else requestAnimationFrame(next);
}

const sheet = document.createElement("canvas");

function frame(socket) {
  const camera = at("live-camera");
  if (!live.socket || live.socket !== socket) return;
  if (live.number - live.answered >= PENDING || !camera.videoWidth) {
    nextFrame();
    return;
  }
  const taken = performance.now();
  const number = ++live.number;
  const scale = Math.min(1, SHORT / Math.min(camera.videoWidth, camera.videoHeight));
  sheet.width = Math.round(camera.videoWidth * scale);
  sheet.height = Math.round(camera.videoHeight * scale);
  sheet.getContext("2d").drawImage(camera, 0, 0, sheet.width, sheet.height);
  sheet.toBlob(
    async (blob) => {
      if (blob && socket.readyState === WebSocket.OPEN) {
        const head = new DataView(new ArrayBuffer(12));
        head.setUint32(0, number, true);
        head.setFloat64(4, taken, true);
        live.sent.set(number, taken);
        socket.send(await new Blob([head, blob]).arrayBuffer());
      }
      nextFrame();
    },
    "image/jpeg",
    0.85,
  );
}

async function answer(event) {
  const length = new DataView(event.data).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(event.data, 4, length)));
  live.answered = Math.max(live.answered, head.number);
  const taken = live.sent.get(head.number);
  for (const number of live.sent.keys()) if (number <= head.number) live.sent.delete(number);
  const picture = new Blob([new Uint8Array(event.data, 4 + length)], { type: "image/jpeg" });
  if (picture.size) {
    const image = await createImageBitmap(picture);
    at("live-picture").getContext("2d").drawImage(image, 0, 0);
    image.close();
  }
  say(head.note || (picture.size ? "Synthetic picture, moved by you." : "No picture yet."));
  pace(head.milliseconds, performance.now() - taken);
}

function pace(stages, total) {
  const now = performance.now();
  live.times.push({ now, stages: { ...stages }, total });
  live.times = live.times.filter((one) => now - one.now < 2000);
  if (now - (live.shown ?? 0) < 500) return;
  live.shown = now;
  const mean = (of) => live.times.reduce((sum, one) => sum + of(one), 0) / live.times.length;
  const span = (now - live.times[0].now) / 1000;
  at("live-rate").textContent = span ? ((live.times.length - 1) / span).toFixed(1) : "–";
  at("live-latency").textContent = mean((one) => one.total).toFixed(0);
  const server = (one) => Object.values(one.stages).reduce((sum, value) => sum + value, 0);
  for (const cell of document.querySelectorAll(".live [data-stage]")) {
    const name = cell.dataset.stage;
    const value =
      name === "browser"
        ? mean((one) => one.total - server(one))
        : mean((one) => one.stages[name] ?? 0);
    cell.textContent = value.toFixed(1);
  }
}

document.addEventListener("click", (event) => {
  const wanted = event.target.closest(".live [data-do]")?.dataset.do;
  if (wanted === "start") start();
  if (wanted === "stop") stop();
  if (wanted === "rest") live.socket?.send("rest");
});
document.addEventListener("change", (event) => {
  if (event.target.closest(".live form")) choose();
});
document.addEventListener("submit", (event) => {
  if (event.target.closest(".live form")) event.preventDefault();
});
addEventListener("pagehide", () => stop());
