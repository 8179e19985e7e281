// What the shaders of the holding terms share. Pictures hold one vec4 a pixel, row by row; red, green and blue count.

struct Frame {
    width: u32,
    height: u32,
    // Of the kernel: 2 radius + 1 weights.
    radius: u32,
    // 1: along columns.
    along_columns: u32,
    // One of STORE, LESS_HELD, ADD.
    ending: u32,
    // Of what is added to the gradient.
    scale: f32,
    padding: vec2<u32>,
}
