//! AdamW over many tensors at once (Loshchilov, Hutter 2017).

use crate::parallel::{for_each, Disjoint};
use crate::simd::fma;
use crate::vectorized;

/// Numbers of one task.
const CHUNK: usize = 1 << 13;

/// What is the same for all parameters of a step.
#[derive(Clone, Copy, Debug)]
pub struct Hyperparameters {
    /// lr
    pub learning_rate: f64,
    /// β₁
    pub beta1: f64,
    /// β₂
    pub beta2: f64,
    /// ε, outside the root
    pub epsilon: f64,
    /// t, counted from 1
    pub step: f64,
    /// Multiplies every gradient.
    pub gradient_scale: f32,
}

/// One parameter with its moments, all of one size; all but the gradient are updated.
pub struct Parameter<'a> {
    /// p
    pub value: &'a mut [f32],
    /// g
    pub gradient: &'a [f32],
    /// m
    pub first_moment: &'a mut [f32],
    /// v
    pub second_moment: &'a mut [f32],
    /// wd
    pub weight_decay: f64,
}

/// p ← p − lr · (m̂ / (√v̂ + ε) + wd · p), with m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², m̂ = m / (1 − β₁ᵗ) and
/// v̂ = v / (1 − β₂ᵗ).
pub fn step(parameters: &mut [Parameter], hyperparameters: Hyperparameters) {
    let rates = Rates::new(hyperparameters);
    let tensors: Vec<_> = parameters.iter_mut().map(|parameter| Shared::new(parameter, &rates)).collect();
    // The number of the first task of each tensor, then of all.
    let mut first_tasks = vec![0];
    for tensor in &tensors {
        first_tasks.push(first_tasks[first_tasks.len() - 1] + tensor.gradient.len().div_ceil(CHUNK));
    }
    for_each(first_tasks[tensors.len()], |task| {
        let i = first_tasks.partition_point(|first| *first <= task) - 1;
        tensors[i].update(task - first_tasks[i], &rates);
    });
}

/// The step's numbers, in the form in which the elements need them: the corrections of the moments have moved into the
/// rate and into ε.
struct Rates {
    learning_rate: f64,
    gradient_scale: f32,
    beta1: f32,
    one_minus_beta1: f32,
    beta2: f32,
    one_minus_beta2: f32,
    rate: f32,
    epsilon: f32,
}

impl Rates {
    fn new(h: Hyperparameters) -> Self {
        let correction = (1.0 - h.beta2.powf(h.step)).sqrt();
        Self {
            learning_rate: h.learning_rate,
            gradient_scale: h.gradient_scale,
            beta1: h.beta1 as f32,
            one_minus_beta1: (1.0 - h.beta1) as f32,
            beta2: h.beta2 as f32,
            one_minus_beta2: (1.0 - h.beta2) as f32,
            rate: (h.learning_rate * correction / (1.0 - h.beta1.powf(h.step))) as f32,
            epsilon: (h.epsilon * correction) as f32,
        }
    }
}

/// A parameter that several tasks update, each a chunk of its own.
struct Shared<'a> {
    value: Disjoint<'a, f32>,
    gradient: &'a [f32],
    first_moment: Disjoint<'a, f32>,
    second_moment: Disjoint<'a, f32>,
    /// 1 − lr · wd
    keep: f32,
}

impl<'a> Shared<'a> {
    fn new(parameter: &'a mut Parameter, rates: &Rates) -> Self {
        let size = parameter.gradient.len();
        let sizes = [parameter.value.len(), parameter.first_moment.len(), parameter.second_moment.len()];
        assert!(sizes.iter().all(|&other| other == size), "a parameter, its gradient and its moments are of one size");
        Self {
            value: Disjoint::new(parameter.value),
            gradient: parameter.gradient,
            first_moment: Disjoint::new(parameter.first_moment),
            second_moment: Disjoint::new(parameter.second_moment),
            keep: (1.0 - rates.learning_rate * parameter.weight_decay) as f32,
        }
    }

    fn update(&self, chunk: usize, rates: &Rates) {
        let range = chunk * CHUNK..self.gradient.len().min((chunk + 1) * CHUNK);
        // SAFETY: each chunk is updated by one task.
        let (p, m, v) = unsafe {
            let (p, m) = (self.value.range(range.clone()), self.first_moment.range(range.clone()));
            (p, m, self.second_moment.range(range.clone()))
        };
        update(p, &self.gradient[range], m, v, self.keep, rates);
    }
}

vectorized! {
    fn update(p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32], keep: f32, rates: &Rates) {
        for (((p, g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
            let g = g * rates.gradient_scale;
            *m = fma::<FUSED>(*m, rates.beta1, g * rates.one_minus_beta1);
            *v = fma::<FUSED>(*v, rates.beta2, g * g * rates.one_minus_beta2);
            *p = fma::<FUSED>(*p, keep, -rates.rate * (*m / (v.sqrt() + rates.epsilon)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::serially;
    use crate::test_support::{assert_close, random, SIZES};

    const HYPERPARAMETERS: Hyperparameters =
        Hyperparameters { learning_rate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, step: 1.0, gradient_scale: 0.5 };

    /// p, g, m, v of one parameter.
    type State = [Vec<f32>; 4];

    fn state(size: usize) -> State {
        [random(size, 1, 1.0), random(size, 2, 0.3), vec![0.0; size], vec![0.0; size]]
    }

    fn run(states: &mut [State], step: f64) {
        let mut parameters: Vec<_> = states
            .iter_mut()
            .zip([0.0, 0.1].into_iter().cycle())
            .map(|([value, gradient, first_moment, second_moment], weight_decay)| Parameter {
                value,
                gradient,
                first_moment,
                second_moment,
                weight_decay,
            })
            .collect();
        super::step(&mut parameters, Hyperparameters { step, ..HYPERPARAMETERS });
    }

    /// Three steps with the gradient g, g, g of one element: its value and moments.
    fn exact(p: f32, g: f32, weight_decay: f64) -> [f64; 3] {
        let h = HYPERPARAMETERS;
        let (mut p, g, mut m, mut v) = (p as f64, g as f64 * 0.5, 0.0, 0.0);
        for t in 1..=3 {
            m = h.beta1 * m + (1.0 - h.beta1) * g;
            v = h.beta2 * v + (1.0 - h.beta2) * g * g;
            let (m_hat, v_hat) = (m / (1.0 - h.beta1.powi(t)), v / (1.0 - h.beta2.powi(t)));
            p -= h.learning_rate * (m_hat / (v_hat.sqrt() + h.epsilon) + weight_decay * p);
        }
        [p, m, v]
    }

    #[test]
    fn three_steps_are_exact() {
        let mut states = SIZES.map(state);
        for step in [1.0, 2.0, 3.0] {
            run(&mut states, step);
        }
        for (i, [p, g, m, v]) in states.iter().enumerate() {
            let (before, weight_decay) = (random(p.len(), 1, 1.0), [0.0, 0.1][i % 2]);
            let exact = |e: usize| exact(before[e], g[e], weight_decay);
            assert_close(p, |e| exact(e)[0], 3e-7);
            assert_close(m, |e| exact(e)[1], 3e-7);
            assert_close(v, |e| exact(e)[2], 3e-7);
        }
    }

    #[test]
    fn threads_change_nothing() {
        let (mut parallel, mut serial) = (SIZES.map(state), SIZES.map(state));
        run(&mut parallel, 5.0);
        serially(|| run(&mut serial, 5.0));
        assert_eq!(parallel, serial);
    }

    #[test]
    fn nan_and_infinite_gradients_show() {
        let mut states = [[vec![1.0; 2], vec![f32::NAN, f32::INFINITY], vec![0.0; 2], vec![0.0; 2]]];
        run(&mut states, 1.0);
        assert!(states[0][0].iter().all(|p| p.is_nan()));
    }
}
