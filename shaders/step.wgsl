// What the stages of an optimiser step share: src/optimize/adam.rs on the card.

struct Step {
    // Numbers in the list, or slots.
    count: u32,
    // Fills: 1 where opacity moves too. Points: 1 where the steps of neighbours are averaged.
    flag: u32,
    // Adam's rate over its first bias correction, times the decay.
    rate: f32,
    // Second bias correction.
    bias_2: f32,
    // Floor under the second moment, in root mean square gradients.
    floor: f32,
    partials: u32,
    // Fills of the scene.
    fills: u32,
    unused: u32,
}

// The step to add to a number with these moments.
fn step_of(mean: f32, variance: f32, epsilon: f32, step: Step) -> f32 {
    return -step.rate * mean / (sqrt(variance / step.bias_2) + epsilon);
}
