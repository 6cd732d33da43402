// An example to search with: refused before it is sent where it is too large, or recorded here.

const RATE_HZ = 48000;
const LONGEST_MS = 30_000;

let recorder = null;
let pressed = null; // the button that it was started by
let isAsking = false;

const formOf = (element) => element.closest("[data-by-audio]");

function say(form, words) {
  form.querySelector("[data-problem]").textContent = words;
}

function checkSize(form) {
  const file = form.querySelector("[type=file]").files[0];
  const most = Number(form.dataset.maxBytes);
  const isTooLarge = Boolean(file) && file.size > most;
  const inMegabytes = (bytes) => Math.round(bytes / 2 ** 20);
  say(form, isTooLarge ? `The file has ${inMegabytes(file.size)} MB; an example may have ${inMegabytes(most)}. Cut out what matters, or save it as MP3.` : "");
  return !isTooLarge;
}

// 16-bit mono WAV, which everything reads.
function wavOf(samples, rateHz) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at, letters) => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rateHz, true);
  view.setUint32(28, 2 * rateHz, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((value, i) => view.setInt16(44 + 2 * i, Math.round(32767 * Math.max(-1, Math.min(1, value))), true));
  return new File([view], "recording.wav", { type: "audio/wav" });
}

async function hand(form, parts) {
  const context = new OfflineAudioContext(1, 1, RATE_HZ);
  const decoded = await context.decodeAudioData(await new Blob(parts).arrayBuffer());
  const chosen = new DataTransfer();
  chosen.items.add(wavOf(decoded.getChannelData(0), decoded.sampleRate));
  form.querySelector("[type=file]").files = chosen.files;
  form.requestSubmit();
}

function stopTracks(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

// What is recorded goes into the form of the button; the microphone is let go however it ends.
function startRecording(button, stream) {
  const form = formOf(button);
  const parts = [];
  const started = new MediaRecorder(stream);
  const longest = setTimeout(() => started.stop(), LONGEST_MS);
  started.addEventListener("dataavailable", (event) => parts.push(event.data));
  started.addEventListener("stop", () => {
    clearTimeout(longest);
    stopTracks(stream);
    recorder = null;
    button.textContent = "Record";
    button.ariaPressed = "false";
    if (!button.isConnected) return; // the page has gone on
    hand(form, parts).catch(() => say(form, "The recording cannot be read. Try again, or choose a file."));
  });
  started.start();
  recorder = started;
  pressed = button;
  button.textContent = "Stop and search";
  button.ariaPressed = "true";
  say(form, "");
}

// While the browser asks whether it may listen, another press asks for nothing: a second stream would never be stopped.
async function record(button) {
  if (recorder) return recorder.state === "recording" && recorder.stop();
  if (isAsking) return undefined;
  isAsking = true;
  let stream = null;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    if (button.isConnected) startRecording(button, stream);
    else stopTracks(stream);
  } catch {
    stopTracks(stream);
    say(formOf(button), "No microphone can be used here. Allow it for this page, or choose a file.");
  } finally {
    isAsking = false;
  }
  return undefined;
}

export function startByAudio() {
  document.addEventListener("change", (event) => {
    const form = event.target.matches("[type=file]") && formOf(event.target);
    if (form) checkSize(form);
  });
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-by-audio]") && !checkSize(event.target)) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-record]");
    if (button) record(button);
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (recorder?.state === "recording" && !pressed.isConnected) recorder.stop(); // its button went with the list
  });
}
