// How a kiosk makes itself noticed, and how it stays awake. Each of them may be missing in a browser: then it is quiet.

const TUNES = { in: [660, 880], out: [880, 660], greeted: [660, 880], again: [660], refused: [220, 180] };
const BUZZ = { refused: [120, 80, 120] };
const TONE_S = 0.13;

let context = null;

/** outcome: of a greeting. */
export function signal(outcome) {
  navigator.vibrate?.(BUZZ[outcome] ?? 60);
  const tones = TUNES[outcome];
  if (!tones || !("AudioContext" in self)) return;
  context ??= new AudioContext();
  if (context.state !== "running") {
    context.resume().catch(() => {}); // browsers want a touch first; the next sound is heard then
    return;
  }
  tones.forEach((pitch, number) => play(pitch, context.currentTime + number * TONE_S));
}

function play(pitch, at) {
  const tone = context.createOscillator();
  const volume = context.createGain();
  tone.frequency.value = pitch;
  volume.gain.setValueAtTime(0.0001, at);
  volume.gain.exponentialRampToValueAtTime(0.25, at + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.0001, at + TONE_S);
  tone.connect(volume).connect(context.destination);
  tone.start(at);
  tone.stop(at + TONE_S);
}

/** The screen stays on for as long as the page is seen. */
export function keepAwake() {
  const ask = () => {
    if (document.visibilityState === "visible") navigator.wakeLock?.request("screen").catch(() => {});
  };
  document.addEventListener("visibilitychange", ask);
  ask();
}
