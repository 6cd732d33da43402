// An example to search with: refused before it is sent where it is too large, or recorded here.

const RATE_HZ = 48000;
const LONGEST_MS = 30_000;

let recorder = null;

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

async function record(button) {
  const form = formOf(button);
  if (recorder?.state === "recording") return recorder.stop();
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const parts = [];
    recorder = new MediaRecorder(stream);
    recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
    recorder.addEventListener("stop", () => {
      for (const track of stream.getTracks()) track.stop();
      button.textContent = "Record";
      button.ariaPressed = "false";
      hand(form, parts).catch(() => say(form, "The recording cannot be read. Try again, or choose a file."));
    });
    recorder.start();
    setTimeout(() => recorder.state === "recording" && recorder.stop(), LONGEST_MS);
    button.textContent = "Stop and search";
    button.ariaPressed = "true";
    say(form, "");
  } catch {
    say(form, "No microphone can be used here. Allow it for this page, or choose a file.");
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
}
