//! The innermost loop of a matrix product, for the instruction set in use.

use gemm_common::microkernel::MicroKernelFn;
use gemm_f32::microkernel;

/// Computes a tile of a product: `rows` (at most) broadcast numbers of A times `width` (at most) neighbours of B.
pub struct Microkernel {
    /// How many rows of C a tile has.
    pub rows: usize,
    /// How many columns of C a tile has.
    pub width: usize,
    /// How many numbers of a row are one vector.
    lanes: usize,
    /// The kernel for `v` vectors and `r` rows is at (v − 1) · rows + r − 1.
    kernels: &'static [MicroKernelFn<f32>],
}

/// An operand's place in memory.
pub struct Operand {
    /// The first element.
    pub start: *const f32,
    /// How far apart two neighbours along k are.
    pub along_k: usize,
    /// How far apart two neighbouring rows of C's tile are in A; columns are always neighbours in B.
    pub along_rows: usize,
}

impl Microkernel {
    /// The one for the instruction set in use.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        match crate::simd::level() {
            crate::simd::Level::Avx512 => return tiles::<16, _, _>(&microkernel::avx512f::f32::UKR),
            crate::simd::Level::Avx2 => return tiles::<8, _, _>(&microkernel::fma::f32::UKR),
            crate::simd::Level::Baseline => {}
        }
        #[cfg(target_arch = "aarch64")]
        return tiles::<4, _, _>(&microkernel::neon::f32::UKR);
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        return tiles::<4, _, _>(&microkernel::simd128::f32::UKR);
        #[allow(unreachable_code)]
        tiles::<1, _, _>(&microkernel::scalar::f32::UKR)
    }

    /// C ← A · B, or C + A · B if `accumulate`, for a tile of `rows` × `columns` whose rows are `stride` apart.
    ///
    /// # Safety
    /// A must have `rows` × `k` and C `rows` × `columns` elements at these places; B `k` × `columns` and whatever is
    /// missing to whole vectors.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    pub unsafe fn run(
        &self,
        rows: usize,
        columns: usize,
        k: usize,
        c: *mut f32,
        stride: usize,
        a: &Operand,
        b: &Operand,
        accumulate: bool,
    ) {
        let kernel = self.kernels[(columns.div_ceil(self.lanes) - 1) * self.rows + rows - 1];
        let (row, along_rows) = (stride as isize, a.along_rows as isize);
        // The crate computes dst ← alpha · dst + beta · lhs · rhs for column-major matrices, so Cᵀ = Bᵀ · Aᵀ. Its
        // numbers 0 and 1 for alpha's status say that alpha is 0 or 1.
        // SAFETY: the caller's promise.
        unsafe {
            kernel(
                columns,
                rows,
                k,
                c,
                b.start,
                a.start,
                row,
                1,
                b.along_k as isize,
                a.along_k as isize,
                along_rows,
                accumulate as u8 as f32,
                1.0,
                accumulate as u8,
                false,
                false,
                false,
                b.start,
            )
        }
    }
}

/// `V` vectors of `LANES` numbers times `R` rows.
fn tiles<const LANES: usize, const V: usize, const R: usize>(
    kernels: &'static [[MicroKernelFn<f32>; R]; V],
) -> Microkernel {
    Microkernel { rows: R, width: V * LANES, lanes: LANES, kernels: kernels.as_flattened() }
}
