// Sounds on one clock: every track starts at the same sample, and switching only moves the gains.
"use strict";
codecbench.FADE_S = 0.005;

/** Decode a sound at its own rate, so that no sample is computed anew. */
codecbench.decodeSound = async (name) => {
  const text = await codecbench.loadSound(name);
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  // FLAC: the rate stands in 20 bits from byte 18 on.
  const rate = (bytes[18] << 12) | (bytes[19] << 4) | (bytes[20] >> 4);
  return new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes.buffer);
};

/** Sources that run together, one gain each; works in any audio context. */
codecbench.Mixer = class {
  constructor(context) {
    this.context = context;
    this.tracks = new Map();
    this.heard = null;
    this.startedAt = null;
  }

  setTrack(key, buffer) {
    const playing = this.startedAt !== null;
    this.dropSource(key);
    const gain = this.context.createGain();
    gain.gain.value = key === this.heard ? 1 : 0;
    gain.connect(this.context.destination);
    this.tracks.set(key, { buffer, gain, source: null });
    if (playing) this.startTrack(key, this.grid(this.context.currentTime + 0.03));
  }

  /** A moment on the grid of samples, so that tracks that start later still agree to the sample. */
  grid(time) {
    return Math.ceil(time * this.context.sampleRate) / this.context.sampleRate;
  }

  start(offset = 0, delay = 0.03) {
    this.stop();
    const when = this.grid(this.context.currentTime + delay);
    this.startedAt = when - this.grid(offset);
    for (const key of this.tracks.keys()) this.startTrack(key, when);
  }

  startTrack(key, when) {
    const track = this.tracks.get(key);
    const source = this.context.createBufferSource();
    source.buffer = track.buffer;
    source.loop = this.loop === true;
    source.connect(track.gain);
    const position = when - this.startedAt;
    const length = track.buffer.duration;
    if (source.loop) source.start(when, position % length);
    else if (position < length) source.start(when, position);
    track.source = source;
  }

  /** Hear another track: the gains cross within 5 ms and always add up to one. */
  hear(key, at = this.context.currentTime) {
    for (const [name, track] of this.tracks) {
      const { gain } = track.gain;
      const before = name === this.heard ? 1 : 0;
      const after = name === key ? 1 : 0;
      if (this.startedAt === null) {
        gain.value = after;
      } else {
        gain.cancelScheduledValues(at);
        gain.setValueAtTime(before, at);
        gain.linearRampToValueAtTime(after, at + codecbench.FADE_S);
      }
    }
    this.heard = key;
  }

  dropSource(key) {
    const track = this.tracks.get(key);
    if (!track) return;
    if (track.source) track.source.stop();
    track.gain.disconnect();
    this.tracks.delete(key);
  }

  stop() {
    for (const track of this.tracks.values()) {
      if (track.source) track.source.stop();
      track.source = null;
    }
    this.startedAt = null;
  }

  get duration() {
    return Math.max(0, ...[...this.tracks.values()].map((track) => track.buffer.duration));
  }

  get position() {
    if (this.startedAt === null) return null;
    const elapsed = Math.max(0, this.context.currentTime - this.startedAt);
    return this.loop && this.duration ? elapsed % this.duration : Math.min(elapsed, this.duration);
  }
};
