//! Frames over time and over processes: keyed prompts, shared caches.

use super::mini::{self, Host, Layout, Manners, cache_folder, text};
use super::objects::ParamValue;
use super::{EDIT, FILTER, VECTORIZE, connect, disc, expected, quick, set, whole};
use openfx::sys::generic::core::*;

/// Frames of a shot whose prompt passes from noon to night, as one run of bytes.
fn shot() -> Vec<u8> {
    let host = Host::load(Manners::default());
    let (node, instance) = host.instance(EDIT, FILTER);
    quick(&instance, "");
    set(&instance, "promptSchedule", text("0: a green disc\n23: a yellow disc at night"));
    set(&instance, "transition", ParamValue::Int(2));
    let layout = Layout::default();
    let frame = |number: u8| {
        let mut bytes = disc();
        bytes.as_chunks_mut::<4>().0.iter_mut().step_by(7).for_each(|pixel| pixel[0] = number * 8);
        let output = connect(&instance, &layout, &bytes);
        assert_eq!(node.render(&instance, number.into(), whole(&output)), kOfxStatOK, "{:?}", instance.messages);
        layout.bytes(&output)
    };
    (0..24).flat_map(frame).collect()
}

#[cfg(unix)]
#[test]
fn a_keyed_shot_is_the_same_in_another_process_and_comes_from_the_cache() {
    use std::os::unix::fs::MetadataExt as _;
    const CHILD: &str = "LINOCUT_TEST_SHOT";
    // While this host lives, no other test of the process touches the cache.
    let _alone = Host::load(Manners::default());
    let bytes = shot();
    if let Some(target) = std::env::var_os(CHILD) {
        return std::fs::write(target, bytes).unwrap();
    }
    // A hit touches an entry, a miss writes it anew: another file under the same name.
    let entries = || {
        let (mut folders, mut found) = (vec![cache_folder()], Vec::new());
        while let Some(folder) = folders.pop() {
            for path in crate::util::names(&folder).iter().map(|name| folder.join(name)) {
                if path.is_dir() { folders.push(path) } else { found.push((path.metadata().unwrap().ino(), path)) }
            }
        }
        found
    };
    let before = entries();
    assert!(before.len() >= 24, "{} entries", before.len());
    let folder = crate::util::folder();
    let target = folder.path().join("shot");
    let name = "host::shots::a_keyed_shot_is_the_same_in_another_process_and_comes_from_the_cache";
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .envs([(CHILD, target.as_path()), (mini::SHARED_CACHE, cache_folder().as_path())])
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert!(std::fs::read(target).unwrap() == bytes, "another process gives other bits");
    assert_eq!(entries(), before, "every frame was a hit");
}

#[test]
fn a_cache_that_cannot_be_used_costs_time_and_nothing_else() {
    const CHILD: &str = "LINOCUT_TEST_NO_CACHE";
    if std::env::var_os(CHILD).is_some() {
        let host = Host::load(Manners::default());
        let (node, instance) = host.instance(VECTORIZE, FILTER);
        let output = connect(&instance, &Layout::default(), &disc());
        assert_eq!(node.render(&instance, 0.0, whole(&output)), kOfxStatOK, "{:?}", instance.messages);
        node.act(kOfxActionBeginInstanceEdit, Some(&instance), None, None);
        let shown = instance.param(c"status").unwrap().text_at(0.0);
        assert!(shown.contains("NOT KEPT: no cache folder can be used"), "{shown}");
        return assert_eq!(Layout::default().bytes(&output), expected(VECTORIZE, &[], &disc()));
    }
    let folder = crate::util::folder();
    let blocked = folder.path().join("a file, not a folder");
    std::fs::write(&blocked, "").unwrap();
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "host::shots::a_cache_that_cannot_be_used_costs_time_and_nothing_else"])
        .envs([(CHILD, blocked.as_path()), (mini::SHARED_CACHE, blocked.join("cache").as_path())])
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
}
