/** A short chime, once for each new task. Browsers allow sound only after a first click. */

import { ref } from "vue";

const STORED_AS = "farwatch.muted";
const GAP_MS = 1_500;
const GESTURES = ["pointerdown", "keydown"];
const TONES_HZ = [880, 660, 880];

export class Alarm {
  readonly muted = ref(localStorage.getItem(STORED_AS) === "1");
  readonly blocked = ref(false);

  private readonly audio = new AudioContext();
  private rungMs = -Infinity;
  private lastTask = 0;

  constructor() {
    this.blocked.value = this.audio.state === "suspended";
    this.audio.onstatechange = () => (this.blocked.value = this.audio.state === "suspended");
    for (const gesture of GESTURES) document.addEventListener(gesture, this.unlock);
  }

  /** Ids grow, so one number remembers every task that has rung; a burst of tasks is one chime. */
  ring(task: number): void {
    if (task <= this.lastTask) return;
    this.lastTask = task;
    const now = performance.now();
    if (this.muted.value || this.blocked.value || now - this.rungMs < GAP_MS) return;
    this.rungMs = now;
    TONES_HZ.forEach((hz, n) => this.tone(hz, this.audio.currentTime + n * 0.22));
  }

  toggle(): void {
    this.muted.value = !this.muted.value;
    localStorage.setItem(STORED_AS, this.muted.value ? "1" : "0");
  }

  close(): void {
    for (const gesture of GESTURES) document.removeEventListener(gesture, this.unlock);
    void this.audio.close();
  }

  private readonly unlock = (): void => {
    if (this.audio.state === "suspended") void this.audio.resume();
  };

  private tone(hz: number, at: number): void {
    const tone = this.audio.createOscillator();
    const volume = this.audio.createGain();
    tone.frequency.value = hz;
    volume.gain.setValueAtTime(0.0001, at);
    volume.gain.exponentialRampToValueAtTime(0.25, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.2);
    tone.connect(volume).connect(this.audio.destination);
    tone.start(at);
    tone.stop(at + 0.22);
  }
}
