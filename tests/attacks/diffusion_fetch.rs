//! Fetching a diffusion model: folders in folders, and a licence that somebody has to accept.

use std::cell::Cell;
use std::path::Path;

use linocut::ctx::{Cancel, Silent};
use linocut::fault::Fault;
use linocut::models::{
    Arrived, DiffusionFolder, Fetched, LICENCE_FILE, Lock, Manifest, ModelError, ModelFiles, NetworkFiles, PinnedFile,
    SearchPath, TokenizerForm, choose_diffusion, fetch_manifest,
};

use super::diffusion::content;
use super::models_fetch::endpoint;
use super::models_hub::{Hub, Reply, Request};
use crate::util::{folder, linocut, names};

const REVISION: &str = "fedcba9876543210fedcba9876543210fedcba98";
const WEIGHTS: &str = "unet/diffusion_pytorch_model.safetensors";

/// Pins sizes and no hashes, so that all are recorded.
fn manifest() -> Manifest {
    let pinned = |path: &str| PinnedFile {
        path: path.to_owned(),
        size: Some(content(path).len() as u64),
        sha256: None,
        revision: None,
    };
    let network = |part: &str, stem: &str| NetworkFiles {
        config: pinned(&format!("{part}/config.json")),
        weights: pinned(&format!("{part}/{stem}.safetensors")),
    };
    Manifest {
        name: "studio/painter".to_owned(),
        aliases: Vec::new(),
        repository: "studio/painter".to_owned(),
        revision: REVISION.to_owned(),
        licence: "Painter's Licence".to_owned(),
        terms: Some("https://studio.example/licence".to_owned()),
        note: None,
        files: ModelFiles::Diffusion(DiffusionFolder {
            unet: network("unet", "diffusion_pytorch_model"),
            vae: network("vae", "diffusion_pytorch_model"),
            text: network("text_encoder", "model"),
            tokenizer: TokenizerForm::Pairs {
                vocab: pinned("tokenizer/vocab.json"),
                merges: pinned("tokenizer/merges.txt"),
            },
            scheduler: pinned("scheduler/scheduler_config.json"),
        }),
    }
}

fn honest(request: &Request) -> Reply {
    let path = request.path.strip_prefix(&format!("/studio/painter/resolve/{REVISION}/"));
    path.map_or(Reply::status(404), |path| Reply::ranged(request, &content(path)))
}

/// Fetches, answering the question about terms with `answer` and counting it.
fn bring(
    folder: &Path,
    hub: &Hub,
    manifest: &Manifest,
    answer: bool,
    asked: &Cell<u32>,
) -> Result<Fetched, ModelError> {
    let accepts = |_: &_| {
        asked.set(asked.get() + 1);
        answer
    };
    fetch_manifest(manifest, folder, &endpoint(hub, 0), &accepts, &Silent, &Cancel::default())
}

#[test]
fn a_model_in_folders_arrives_whole_and_goes_on_where_it_stopped() {
    let (root, asked) = (folder(), Cell::new(0));
    let broken = Hub::start(|request| {
        let reply = honest(request);
        if request.path.ends_with(WEIGHTS) { reply.cut(50) } else { reply }
    });
    let error = bring(root.path(), &broken, &manifest(), true, &asked).unwrap_err();
    assert!(matches!(error, ModelError::Network { .. }), "{error}");
    let model = root.path().join("studio--painter");
    assert!(!model.join(WEIGHTS).exists(), "a file that is not whole has no final name");
    let hub = Hub::start(honest);
    let fetched = bring(root.path(), &hub, &manifest(), true, &asked).unwrap();
    let again = fetched.files.iter().filter(|(_, _, arrived)| *arrived == Arrived::AlreadyThere).count();
    assert_eq!((fetched.files.len(), again), (9, 8), "only the weights of the UNet were left");
    assert_eq!(
        hub.requests().iter().filter_map(Request::start).collect::<Vec<_>>(),
        [50],
        "from the byte it stopped at"
    );
    let lock = Lock::read(&model).unwrap();
    assert!(lock.files.contains_key("unet/config.json") && lock.files.contains_key("vae/config.json"), "{lock:?}");
    choose_diffusion(model.to_str().unwrap(), &SearchPath::default(), &Cancel::default()).unwrap();
}

#[test]
fn terms_are_asked_for_once_and_again_when_they_change() {
    let (root, hub, asked) = (folder(), Hub::start(honest), Cell::new(0));
    let error = bring(root.path(), &hub, &manifest(), false, &asked).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("Painter's Licence") && message.contains("https://studio.example/licence"), "{message}");
    assert!(message.contains("--accept-licence") && error.fault() == Fault::Usage, "{message}");
    assert!(
        names(root.path()).is_empty() && hub.requests().is_empty(),
        "nothing was asked of the hub, nothing is left"
    );
    bring(root.path(), &hub, &manifest(), true, &asked).unwrap();
    bring(root.path(), &hub, &manifest(), false, &asked).expect("what was accepted is not asked for again");
    assert_eq!(asked.get(), 2);
    let other = Manifest { terms: Some("https://studio.example/licence-2".to_owned()), ..manifest() };
    let error = bring(root.path(), &hub, &other, false, &asked).unwrap_err();
    assert!(matches!(error, ModelError::NotAccepted { .. }) && asked.get() == 3, "{error}");
    std::fs::write(root.path().join("studio--painter").join(LICENCE_FILE), "{").unwrap();
    assert!(bring(root.path(), &hub, &manifest(), false, &asked).is_err(), "a broken record accepts nothing");
}

#[test]
fn a_question_that_is_broken_off_is_a_cancelled_fetch() {
    let (root, hub, cancel) = (folder(), Hub::start(honest), Cancel::default());
    let accepts = |_: &_| {
        cancel.cancel();
        false
    };
    let error = fetch_manifest(&manifest(), root.path(), &endpoint(&hub, 0), &accepts, &Silent, &cancel).unwrap_err();
    assert_eq!(error.fault(), Fault::Cancelled, "{error}");
    assert!(names(root.path()).is_empty());
}

#[test]
fn the_program_refuses_to_fetch_without_an_answer_and_says_how() {
    let root = folder();
    let hub = Hub::start(|_| Reply::status(404));
    let run = |args: &[&str]| -> crate::util::Ran {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_linocut"));
        command.args(["models", "fetch", "sd15"]).args(args).stdin(std::process::Stdio::null());
        let homes = [("HOME", root.path()), ("XDG_DATA_HOME", root.path()), ("HF_HOME", root.path())];
        command.envs(homes).env("HF_ENDPOINT", &hub.url).env_remove("HF_HUB_OFFLINE");
        command.output().unwrap().into()
    };
    let ran = run(&[]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("CreativeML Open RAIL-M") && ran.stderr.contains("https://"), "{}", ran.stderr);
    assert!(ran.stderr.contains("--accept-licence"), "{}", ran.stderr);
    assert!(hub.requests().is_empty(), "the hub was not asked");
    let ran = run(&["--accept-licence"]);
    assert!(ran.code != 2 && ran.stderr.contains("404") && !hub.requests().is_empty(), "{}: {}", ran.code, ran.stderr);
    let offline = linocut(root.path(), &["models", "fetch", "default"]);
    assert!(offline.stderr.contains("compiled into"), "{}", offline.stderr);
}
