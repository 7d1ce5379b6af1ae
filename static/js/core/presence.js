// Is somebody there? Frames are worth sending only then. Times in ms of the page's own clock.

const AWAKE_AFTER_MOTION = 4000;
const AWAKE_AFTER_FACE = 3000;
/** A face that nothing moves around for so long is a picture on the wall. */
const STILL_FACE = 60000;
const DIM_AFTER = 30000;

export class Presence {
  /** At the beginning somebody may stand there already, without moving. */
  constructor(now) {
    this.movedAt = now;
    this.faceAt = -Infinity;
    this.touchedAt = now;
  }

  moved(now) {
    this.movedAt = now;
  }

  /** The server has seen so many faces in a frame. */
  faces(count, now) {
    if (count) this.faceAt = now;
  }

  /** Somebody has touched the screen or typed. */
  touched(now) {
    this.touchedAt = now;
    this.movedAt = now;
  }

  /** Whether frames shall be sent. */
  isAwake(now) {
    if (now - this.movedAt < AWAKE_AFTER_MOTION) return true;
    return now - this.faceAt < AWAKE_AFTER_FACE && now - this.movedAt < STILL_FACE;
  }

  /** Whether nobody has been there for so long that the screen may go dark. */
  isDim(now) {
    return now - Math.max(this.movedAt, this.touchedAt) > DIM_AFTER && !this.isAwake(now);
  }
}
