// When things are drawn: together, once a frame of the screen, and while live 15 times a second.

const LIVE_MS = 66;

export class Clock {
  private asked = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private last = 0;

  /** `draw` gets the seconds since it was called last, and returns whether it is live. */
  constructor(
    private readonly draw: (seconds: number) => boolean,
    signal: AbortSignal,
  ) {
    signal.addEventListener("abort", () => this.end());
    this.signal = signal;
  }

  private readonly signal: AbortSignal;

  /** Draw with the next frame. */
  ask(): void {
    if (this.asked || this.signal.aborted) return;
    this.asked = requestAnimationFrame((now) => this.tick(now));
  }

  private tick(now: number): void {
    this.asked = 0;
    const seconds = this.last ? Math.min(1, (now - this.last) / 1e3) : 0;
    this.last = now;
    if (!this.draw(seconds) || this.timer !== undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.ask();
    }, LIVE_MS);
  }

  private end(): void {
    cancelAnimationFrame(this.asked);
    clearTimeout(this.timer);
    this.asked = 0;
    this.timer = undefined;
  }
}
