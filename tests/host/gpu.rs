//! A node that draws on a graphics card. Needs one; see `tests/gpu`.

use super::*;

#[test]
#[ignore = "needs a graphics card"]
fn a_node_that_is_set_to_the_card_renders_what_the_cpu_renders_within_rounding() {
    let host = Host::load(Manners::default());
    let layout = Layout::default();
    let rendered = |backend: i32| {
        let (node, instance) = host.instance(EDIT, FILTER);
        quick(&instance, "a green disc");
        set(&instance, "backend", ParamValue::Int(backend));
        let output = connect(&instance, &layout, &disc());
        let status = node.render(&instance, 0.0, whole(&output));
        assert_eq!(status, kOfxStatOK, "{}", instance.messages.lock().join("; "));
        layout.bytes(&output)
    };
    let (on_cpu, on_card) = (rendered(0), rendered(1));
    assert_ne!(on_cpu, disc(), "the edit changed something");
    let apart = on_cpu.iter().zip(&on_card).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(apart <= Some(1), "a level differs by {apart:?}");
}
