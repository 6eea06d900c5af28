// A blind test: which of two is X? Counts what was right, and how likely that is by guessing.
"use strict";
codecbench.Abx = class {
  constructor() {
    this.restart();
  }

  restart() {
    this.right = 0;
    this.trials = 0;
    this.next();
  }

  next() {
    this.x = crypto.getRandomValues(new Uint8Array(1))[0] % 2 ? "a" : "b";
  }

  guess(answer) {
    this.trials += 1;
    if (answer === this.x) this.right += 1;
    this.next();
  }

  /** Chance of at least as many right answers by guessing: the binomial tail. */
  get chance() {
    let term = 0.5 ** this.trials;
    let sum = 0;
    for (let k = 0; k <= this.trials; k += 1) {
      if (k >= this.right) sum += term;
      term *= (this.trials - k) / (k + 1);
    }
    return Math.min(1, sum);
  }

  get text() {
    if (!this.trials) return "";
    return `${this.right} of ${this.trials} right; by guessing this or better has a chance of ${this.chance.toPrecision(2)}`;
  }
};
