/** Something to train on. */
export interface Hardware {
  readonly name: string;
  /** Floating-point operations per second at best: of matrix products in float32, on graphics cards in BF16. */
  readonly peakFlops: number;
  /** The share of the peak that training reaches. */
  readonly utilization: number;
  /** Bytes. */
  readonly memory?: number;
  /** US dollars for an hour; nothing for what stands at home. */
  readonly pricePerHour?: number;
  /** Where the numbers come from. */
  readonly source: string;
}

const TERA = 1e12;
const GB = 1e9;
/** Between what a first program and a tuned one reach: PaLM reports 46 % (Chowdhery et al. 2022), most runs less. */
const USUAL = 0.4;

/** When prices were looked up; those of spot instances, which may be taken away at any time, change by the week. */
export const PRICES_OF = "2026-04";

/** A few machines, with the operations per second that their makers state for dense products. */
export const hardware: readonly Hardware[] = [
  {
    name: "laptop, 8 cores",
    peakFlops: 8 * 3e9 * 32,
    utilization: USUAL,
    memory: 16 * GB,
    source: "8 cores at 3 GHz with AVX2: two fused multiply-adds of 8 numbers each in a cycle",
  },
  {
    name: "RTX 4090, 24 GB",
    peakFlops: 165.2 * TERA,
    utilization: USUAL,
    memory: 24 * GB,
    pricePerHour: 0.34,
    source:
      "NVIDIA Ada GPU architecture whitepaper; RunPod, spot, March 2026 (deploybase.ai/articles/runpod-gpu-pricing)",
  },
  {
    name: "A100, 40 GB",
    peakFlops: 312 * TERA,
    utilization: USUAL,
    memory: 40 * GB,
    pricePerHour: 0.25,
    source: "NVIDIA A100 datasheet; Verda, spot, 12 April 2026 (pulsebenchmarks.com)",
  },
  {
    name: "A100, 80 GB",
    peakFlops: 312 * TERA,
    utilization: USUAL,
    memory: 80 * GB,
    pricePerHour: 1.13,
    source: "NVIDIA A100 datasheet; median of spot offers, 18 April 2026 (gpumarkets.dev)",
  },
  {
    name: "H100 SXM, 80 GB",
    peakFlops: 989 * TERA,
    utilization: USUAL,
    memory: 80 * GB,
    pricePerHour: 2.69,
    source: "NVIDIA H100 datasheet; RunPod, spot, March 2026 (deploybase.ai/articles/runpod-gpu-pricing)",
  },
];
