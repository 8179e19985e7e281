//! A made-up TrueType font of five glyphs, small enough to read: nothing, a pointed A with a counter, a round V, a
//! space, an I of level and upright lines alone.

/// Advance of every letter, in font units.
pub(crate) const ADVANCE: i16 = 600;
/// Kerning between A and V, in font units.
pub(crate) const KERN_AV: i16 = -150;
/// Left, bottom, right, top of A, of V and of I, in font units.
pub(crate) const BOX_A: [f32; 4] = [50.0, 0.0, 550.0, 700.0];
pub(crate) const BOX_V: [f32; 4] = [0.0, 0.0, 600.0, 700.0];
pub(crate) const BOX_I: [f32; 4] = [200.0, 0.0, 400.0, 700.0];

/// On-curve or control point: x, y.
enum P {
    On(i16, i16),
    Off(i16, i16),
}

fn be<const N: usize>(numbers: [i32; N]) -> Vec<u8> {
    numbers.iter().flat_map(|number| (*number as u16).to_be_bytes()).collect()
}

fn glyph(bounds: [f32; 4], contours: &[&[P]]) -> Vec<u8> {
    let mut data = be([contours.len() as i32]);
    data.extend(bounds.iter().flat_map(|side| (*side as i16).to_be_bytes()));
    let mut end = -1;
    for contour in contours {
        end += contour.len() as i32;
        data.extend(be([end]));
    }
    data.extend(be([0]));
    let points = || contours.iter().flat_map(|contour| contour.iter());
    data.extend(points().map(|point| u8::from(matches!(point, P::On(..)))));
    for axis in 0..2 {
        let mut last = 0;
        for point in points() {
            let (P::On(x, y) | P::Off(x, y)) = point;
            let value = [*x, *y][axis];
            data.extend((value - last).to_be_bytes());
            last = value;
        }
    }
    data.resize(data.len().next_multiple_of(4), 0);
    data
}

fn cmap() -> Vec<u8> {
    // Format 4: one segment a character, ending with the obligatory last one.
    let (codes, glyphs) = ([32, 65, 73, 86, 0xffff], [3, 1, 4, 2, 0]);
    let mut table = be([0, 1, 3, 1, 0, 12, 4, 16 + 8 * 5, 0, 10, 8, 2, 2]);
    table.extend(be(codes));
    table.extend(be([0]));
    table.extend(be(codes));
    table.extend(
        codes.iter().zip(glyphs).flat_map(|(code, glyph)| be([if *code == 0xffff { 1 } else { glyph - code }])),
    );
    table.extend(be([0; 5]));
    table
}

/// The font's bytes; `kern_av` replaces the kerning between A and V.
pub(crate) fn tiny_font(kern_av: i16) -> Vec<u8> {
    use P::{Off, On};
    let outer = [On(50, 0), On(300, 700), On(550, 0)];
    let counter = [On(200, 100), On(400, 100), On(300, 400)];
    let cup =
        [On(0, 700), On(150, 700), Off(300, -350), On(450, 700), On(600, 700), Off(600, 0), On(300, 0), Off(0, 0)];
    let a = glyph(BOX_A, &[&outer, &counter]);
    let v = glyph(BOX_V, &[&cup]);
    let i = glyph(BOX_I, &[&[On(200, 0), On(200, 700), On(400, 700), On(400, 0)]]);
    let (after_a, after_v) = (a.len() as i32 / 2, (a.len() + v.len()) as i32 / 2);
    let after_i = after_v + i.len() as i32 / 2;

    let mut head = be([1, 0, 1, 0, 0, 0, 0x5f0f, 0x3cf5, 0, 1000]);
    head.extend([0; 16]);
    head.extend(be([0, 0, 600, 700, 0, 8, 2, 0, 0]));
    let mut hhea = be([1, 0, 800, -200, 0, 600]);
    hhea.resize(34, 0);
    hhea.extend(be([5]));
    let mut maxp = be([1, 0, 5]);
    maxp.resize(32, 0);
    let bearings = [0, BOX_A[0] as i32, BOX_V[0] as i32, 0, BOX_I[0] as i32];
    let hmtx: Vec<u8> = bearings.iter().flat_map(|left| be([i32::from(ADVANCE), *left])).collect();
    let kern = be([0, 1, 0, 20, 1, 1, 6, 0, 0, 1, 2, i32::from(kern_av)]);
    let tables: [(&[u8; 4], Vec<u8>); 8] = [
        (b"cmap", cmap()),
        (b"glyf", [a, v, i].concat()),
        (b"head", head),
        (b"hhea", hhea),
        (b"hmtx", hmtx),
        (b"kern", kern),
        (b"loca", be([0, 0, after_a, after_v, after_v, after_i])),
        (b"maxp", maxp),
    ];
    assemble(&tables)
}

fn assemble(tables: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut font = be([1, 0, tables.len() as i32, 128, 3, 0]);
    let mut offset = 12 + 16 * tables.len();
    for (tag, table) in tables {
        font.extend_from_slice(*tag);
        font.extend([0; 4]);
        font.extend((offset as u32).to_be_bytes());
        font.extend((table.len() as u32).to_be_bytes());
        offset += table.len().next_multiple_of(4);
    }
    for (_, table) in tables {
        font.extend(table);
        font.resize(font.len().next_multiple_of(4), 0);
    }
    font
}
