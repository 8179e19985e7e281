//! A small OpenFX host: loads the built plug-in with dlopen and speaks to it through the C interface.

use super::objects::{Effect, Picture, PropSet, Value};
use super::overlay::{DRAW, INTERACT};
use super::suites::{EFFECT, MULTI_THREAD, PROGRESS, PROPERTY, TIME_LINE, message_suites, parameter_suite};
use libloading::{Library, Symbol};
use openfx::sys::generic::core::*;
use openfx::sys::generic::property::kOfxPropertySuite;
use openfx::sys::image_effect_v1::draw_suite::kOfxDrawSuite;
use openfx::sys::image_effect_v1::image_effect::*;
use openfx::sys::image_effect_v1::interact::kOfxInteractSuite;
use openfx::sys::image_effect_v1::message::{OfxMessageSuiteV1, OfxMessageSuiteV2, kOfxMessageSuite};
use openfx::sys::image_effect_v1::multi_thread::kOfxMultiThreadSuite;
use openfx::sys::image_effect_v1::param::*;
use openfx::sys::image_effect_v1::progress::kOfxProgressSuite;
use openfx::sys::image_effect_v1::time_line::kOfxTimeLineSuite;
use parking_lot::{Mutex, ReentrantMutex, ReentrantMutexGuard};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::PathBuf;
use std::sync::{Arc, Once, OnceLock};

/// What kind of host to be.
#[derive(Clone, Debug)]
pub(crate) struct Manners {
    /// Suites that this host lacks.
    pub(crate) lacks: Vec<&'static CStr>,
    /// Part of the names of properties that this host does not know.
    pub(crate) refuses: Option<&'static str>,
    /// Whether texts can be keyed.
    pub(crate) keys_texts: bool,
    /// Whether there is a viewer that plug-ins may draw into.
    pub(crate) viewer: bool,
    /// Whether nobody looks.
    pub(crate) background: bool,
    /// Whether texts that it was handed are read again at the end.
    pub(crate) keeps_pointers: bool,
    /// Processors that the host lends.
    pub(crate) processors: u32,
    /// What the host calls itself.
    pub(crate) name: &'static CStr,
    /// First and last frame of the project.
    pub(crate) frames: [f64; 2],
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            lacks: Vec::new(),
            refuses: None,
            keys_texts: true,
            viewer: true,
            background: false,
            keeps_pointers: false,
            processors: 2,
            name: c"org.linocut.minihost",
            frames: [1.0, 3.0],
        }
    }
}

static MANNERS: Mutex<Option<Manners>> = Mutex::new(None);

unsafe extern "C" fn fetch_suite(_host: OfxPropertySetHandle, name: *const c_char, version: c_int) -> *const c_void {
    static PARAMETER: OnceLock<OfxParameterSuiteV1> = OnceLock::new();
    static MESSAGES: OnceLock<(OfxMessageSuiteV1, OfxMessageSuiteV2)> = OnceLock::new();
    let name = unsafe { CStr::from_ptr(name) };
    if MANNERS.lock().as_ref().is_some_and(|manners| manners.lacks.contains(&name)) {
        return std::ptr::null();
    }
    let (once, lasting) = MESSAGES.get_or_init(message_suites);
    let known: [(&CStr, c_int, *const c_void); 10] = [
        (kOfxPropertySuite, 1, (&raw const PROPERTY).cast()),
        (kOfxImageEffectSuite, 1, (&raw const EFFECT).cast()),
        (kOfxParameterSuite, 1, std::ptr::from_ref(PARAMETER.get_or_init(parameter_suite)).cast()),
        (kOfxInteractSuite, 1, (&raw const INTERACT).cast()),
        (kOfxDrawSuite, 1, (&raw const DRAW).cast()),
        (kOfxProgressSuite, 1, (&raw const PROGRESS).cast()),
        (kOfxTimeLineSuite, 1, (&raw const TIME_LINE).cast()),
        (kOfxMultiThreadSuite, 1, (&raw const MULTI_THREAD).cast()),
        (kOfxMessageSuite, 1, std::ptr::from_ref(once).cast()),
        (kOfxMessageSuite, 2, std::ptr::from_ref(lasting).cast()),
    ];
    known
        .into_iter()
        .find(|(known, v, _)| *known == name && *v == version)
        .map_or(std::ptr::null(), |(_, _, suite)| suite)
}

/// The plug-in that cargo built beside this test.
pub(crate) fn plugin_file() -> PathBuf {
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    folder.join(format!("{}linocut{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX))
}

/// Names the cache that a test's child process shares with its parent.
pub(crate) const SHARED_CACHE: &str = "LINOCUT_TEST_CACHE";

/// The folder of finished scenes that the loaded plug-in uses; set before the plug-in looks.
pub(crate) fn cache_folder() -> PathBuf {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    static SET: Once = Once::new();
    let folder = std::env::var_os(SHARED_CACHE)
        .map_or_else(|| FOLDER.get_or_init(|| tempfile::tempdir().unwrap()).path().to_owned(), PathBuf::from);
    // SAFETY: once, before the plug-in starts a thread that reads the environment.
    SET.call_once(|| unsafe { std::env::set_var("LINOCUT_CACHE", &folder) });
    folder
}

/// Hosts of one process take turns, for the plug-in knows one host at a time; one test may load several.
static TURN: ReentrantMutex<()> = ReentrantMutex::new(());

/// A loaded plug-in.
pub(crate) struct Host {
    _turn: ReentrantMutexGuard<'static, ()>,
    library: Library,
    props: Box<PropSet>,
    host: Box<OfxHost>,
    manners: Manners,
}

impl Host {
    pub(crate) fn load(manners: Manners) -> Self {
        Self::load_file(&plugin_file(), manners)
    }

    pub(crate) fn load_file(file: &std::path::Path, manners: Manners) -> Self {
        let turn = TURN.lock();
        cache_folder();
        let props = Box::new(
            PropSet::refusing(manners.refuses)
                .with(kOfxPropName, [Value::Text(manners.name.to_owned())])
                .with(kOfxParamHostPropSupportsStringAnimation, [Value::Int(manners.keys_texts.into())])
                .with(kOfxImageEffectPropSupportsOverlays, [Value::Int(manners.viewer.into())])
                .with(kOfxImageEffectHostPropIsBackground, [Value::Int(manners.background.into())]),
        );
        let host = Box::new(OfxHost { host: props.handle(), fetchSuite: Some(fetch_suite) });
        // SAFETY: our own library; its initialisers do nothing.
        let library = unsafe { Library::new(file) }.unwrap();
        Self { _turn: turn, library, props, host, manners }
    }

    pub(crate) fn nodes(&self) -> Vec<Node<'_>> {
        // SAFETY: the types are those of the OpenFX standard.
        let count: Symbol<'_, extern "C" fn() -> c_int> =
            unsafe { self.library.get(b"OfxGetNumberOfPlugins") }.unwrap();
        (0..count()).map(|index| self.node(index).unwrap()).collect()
    }

    pub(crate) fn node(&self, index: c_int) -> Option<Node<'_>> {
        // SAFETY: as above.
        let get: Symbol<'_, extern "C" fn(c_int) -> *mut OfxPlugin> =
            unsafe { self.library.get(b"OfxGetPlugin") }.unwrap();
        // SAFETY: the plug-in keeps it while it is loaded.
        let plugin = unsafe { get(index).as_ref() }?;
        Some(Node { plugin, host: self })
    }

    /// The node with this id, loaded and described in `context`.
    pub(crate) fn described(&self, id: &str, context: &CStr) -> (Node<'_>, Box<Effect>) {
        let node = self.nodes().into_iter().find(|node| node.id() == id).unwrap();
        assert_eq!(node.start(), kOfxStatOK, "Load");
        let effect = Effect::new(self.manners.refuses);
        assert_eq!(node.act(kOfxActionDescribe, Some(&effect), None, None), kOfxStatOK, "Describe");
        let context = PropSet::default().with(kOfxImageEffectPropContext, [Value::Text(context.to_owned())]);
        let described = node.act(kOfxImageEffectActionDescribeInContext, Some(&effect), Some(&context), None);
        assert_eq!(described, kOfxStatOK, "DescribeInContext");
        (node, effect)
    }

    /// An instance of the node with this id.
    pub(crate) fn instance(&self, id: &str, context: &CStr) -> (Node<'_>, Box<Effect>) {
        let (node, descriptor) = self.described(id, context);
        let instance = descriptor.instance();
        assert_eq!(node.act(kOfxActionCreateInstance, Some(&instance), None, None), kOfxStatOK, "CreateInstance");
        (node, instance)
    }
}

/// In what mood a host renders.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    pub(crate) scale: f64,
    pub(crate) draft: bool,
    pub(crate) interactive: bool,
}

impl Default for How {
    fn default() -> Self {
        Self { scale: 1.0, draft: false, interactive: false }
    }
}

/// The manners of the host that was loaded last.
pub(super) fn manners() -> Manners {
    MANNERS.lock().clone().unwrap_or_default()
}

/// One node of the plug-in.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    plugin: &'a OfxPlugin,
    host: &'a Host,
}

impl Node<'_> {
    pub(crate) fn id(&self) -> String {
        // SAFETY: the plug-in keeps the text while it is loaded.
        unsafe { CStr::from_ptr(self.plugin.pluginIdentifier) }.to_str().unwrap().to_owned()
    }

    /// setHost and Load.
    pub(crate) fn start(&self) -> OfxStatus {
        *MANNERS.lock() = Some(self.host.manners.clone());
        assert!(self.host.props.all(kOfxParamHostPropSupportsStringAnimation).len() <= 1);
        // SAFETY: the host outlives the plug-in.
        unsafe { self.plugin.setHost.unwrap()(std::ptr::from_ref(self.host.host.as_ref()).cast_mut()) };
        self.act(kOfxActionLoad, None, None, None)
    }

    pub(crate) fn act(
        &self,
        action: &CStr,
        effect: Option<&Effect>,
        arguments: Option<&PropSet>,
        answers: Option<&PropSet>,
    ) -> OfxStatus {
        let handle = effect.map_or(std::ptr::null(), Effect::handle);
        let set = |set: Option<&PropSet>| set.map_or(std::ptr::null_mut(), PropSet::handle);
        // SAFETY: handles are live boxes of this host.
        unsafe { self.plugin.mainEntry.unwrap()(action.as_ptr(), handle, set(arguments), set(answers)) }
    }

    /// Renders `window` of `instance` at `time`.
    pub(crate) fn render(&self, instance: &Effect, time: f64, window: OfxRectI) -> OfxStatus {
        self.render_as(instance, time, window, How::default())
    }

    /// The same at a scale and in a mood.
    pub(crate) fn render_as(&self, instance: &Effect, time: f64, window: OfxRectI, how: How) -> OfxStatus {
        let OfxRectI { x1, y1, x2, y2 } = window;
        let arguments = PropSet::default()
            .with(kOfxPropTime, [Value::Double(time)])
            .with(kOfxImageEffectPropRenderScale, [how.scale; 2].map(Value::Double))
            .with(kOfxImageEffectPropRenderQualityDraft, [Value::Int(how.draft.into())])
            .with(kOfxImageEffectPropInteractiveRenderStatus, [Value::Int(how.interactive.into())])
            .with(kOfxImageEffectPropRenderWindow, [x1, y1, x2, y2].map(Value::Int));
        self.act(kOfxImageEffectActionRender, Some(instance), Some(&arguments), None)
    }

    /// Tells `instance` that something named `name` of this type was changed for this reason at `time`.
    pub(crate) fn change(&self, instance: &Effect, kind: &CStr, name: &str, reason: &CStr, time: f64) -> OfxStatus {
        let arguments = PropSet::default()
            .with(kOfxPropType, [Value::Text(kind.to_owned())])
            .with(kOfxPropName, [Value::Text(CString::new(name).unwrap())])
            .with(kOfxPropChangeReason, [Value::Text(reason.to_owned())])
            .with(kOfxPropTime, [Value::Double(time)]);
        self.act(kOfxActionInstanceChanged, Some(instance), Some(&arguments), None)
    }
}

/// How a test picture lies in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) depth: &'static CStr,
    pub(crate) components: &'static CStr,
    pub(crate) origin: (i32, i32),
    pub(crate) padding: usize,
    pub(crate) top_down: bool,
}

impl Default for Layout {
    fn default() -> Self {
        let (depth, components) = (kOfxBitDepthByte, kOfxImageComponentRGBA);
        Self { depth, components, origin: (0, 0), padding: 0, top_down: false }
    }
}

impl Layout {
    pub(crate) fn channels(&self) -> usize {
        [(kOfxImageComponentRGBA, 4), (kOfxImageComponentRGB, 3), (kOfxImageComponentAlpha, 1)]
            .into_iter()
            .find(|(known, _)| *known == self.components)
            .map_or(0, |(_, channels)| channels)
    }

    pub(crate) fn channel_bytes(&self) -> usize {
        let sizes = [(kOfxBitDepthByte, 1), (kOfxBitDepthShort, 2), (kOfxBitDepthHalf, 2), (kOfxBitDepthFloat, 4)];
        sizes.into_iter().find(|(known, _)| *known == self.depth).map_or(0, |(_, size)| size)
    }

    /// A picture of `width` by `height` whose rows, top row first, hold `bytes`.
    pub(crate) fn picture(&self, width: usize, height: usize, bytes: &[u8]) -> Picture {
        let row = width * self.channels() * self.channel_bytes();
        let pitch = row + self.padding;
        let mut memory = vec![0xA5; pitch * height.max(1)];
        for from_top in 0..height {
            let at = pitch * if self.top_down { from_top } else { height - 1 - from_top };
            memory[at..at + row].copy_from_slice(&bytes[from_top * row..(from_top + 1) * row]);
        }
        let (x1, y1) = self.origin;
        Picture {
            bounds: OfxRectI { x1, y1, x2: x1 + width as i32, y2: y1 + height as i32 },
            depth: self.depth,
            components: self.components,
            premultiplication: kOfxImageUnPreMultiplied,
            row_bytes: if self.top_down { -(pitch as isize) } else { pitch as isize },
            bottom: if self.top_down { pitch * (height.max(1) - 1) } else { 0 },
            memory: Arc::new(Mutex::new(memory)),
            null: false,
        }
    }

    /// The pixels of `picture`, top row first, without padding; also checks that the padding was left alone.
    pub(crate) fn bytes(&self, picture: &Picture) -> Vec<u8> {
        let (width, height) =
            ((picture.bounds.x2 - picture.bounds.x1) as usize, (picture.bounds.y2 - picture.bounds.y1) as usize);
        let row = width * self.channels() * self.channel_bytes();
        let pitch = row + self.padding;
        let memory = picture.memory.lock();
        let rows = (0..height).map(|from_top| {
            let at = pitch * if self.top_down { from_top } else { height - 1 - from_top };
            assert!(
                memory[at + row..at + pitch].iter().all(|&byte| byte == 0xA5),
                "padding of row {from_top} was written"
            );
            memory[at..at + row].to_vec()
        });
        rows.flatten().collect()
    }
}

/// A text as the host keeps it.
pub(crate) fn text(text: &str) -> super::objects::ParamValue {
    super::objects::ParamValue::Text(CString::new(text).unwrap())
}
