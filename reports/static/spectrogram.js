// Spectrograms of what is heard, computed from the samples: 25 ms Hann windows, 80 dB.
"use strict";
codecbench.drawSpectrogram = (canvas, buffer) => {
  const samples = buffer.getChannelData(0);
  const size = 2 ** Math.round(Math.log2(0.03 * buffer.sampleRate));
  const length = Math.min(size, Math.round(0.025 * buffer.sampleRate));
  const window = Float64Array.from({ length }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (n + 0.5)) / length));
  const { width, height } = canvas;
  const levels = new Float64Array(width * height);
  const bins = size / 2;
  for (let column = 0; column < width; column += 1) {
    const first = Math.round(((column + 0.5) / width) * samples.length - length / 2);
    const real = new Float64Array(size);
    for (let n = 0; n < length; n += 1) real[n] = (samples[first + n] || 0) * window[n];
    const power = codecbench.powerSpectrum(real);
    for (let row = 0; row < height; row += 1) {
      const bin = Math.min(bins - 1, Math.floor(((height - 1 - row) / height) * bins));
      levels[row * width + column] = 10 * Math.log10(power[bin] + 1e-12);
    }
  }
  const top = 10 * Math.log10((length / 4) ** 2) - 20; // 20 dB below a sine at full scale is black
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  levels.forEach((level, place) => {
    const shade = 255 * (1 - Math.min(1, Math.max(0, (level - top + 80) / 80)));
    image.data.set([shade, shade, shade, 255], 4 * place);
  });
  context.putImageData(image, 0, 0);
};

/** Power at each of size / 2 bins; an FFT in place, radix 2 (Cooley and Tukey 1965). */
codecbench.powerSpectrum = (real) => {
  const size = real.length;
  const imaginary = new Float64Array(size);
  for (let i = 1, j = 0; i < size; i += 1) {
    let bit = size >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) [real[i], real[j]] = [real[j], real[i]];
  }
  for (let span = 2; span <= size; span *= 2) {
    for (let k = 0; k < span / 2; k += 1) {
      const angle = (-2 * Math.PI * k) / span;
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      for (let start = k; start < size; start += span) {
        const other = start + span / 2;
        const [x, y] = [real[other] * c - imaginary[other] * s, real[other] * s + imaginary[other] * c];
        [real[other], imaginary[other]] = [real[start] - x, imaginary[start] - y];
        real[start] += x;
        imaginary[start] += y;
      }
    }
  }
  return Float64Array.from({ length: size / 2 }, (_, bin) => real[bin] ** 2 + imaginary[bin] ** 2);
};
