//! The OpenFX C interface. The only file that names the crate it comes from, so that another can take its place.

pub(super) use openfx::sys::generic::core::{
    OfxHost, OfxPlugin, OfxPointD, OfxPropertySetHandle, OfxRectD, OfxRectI, OfxStatus, OfxTime,
    kOfxActionBeginInstanceEdit, kOfxActionCreateInstance, kOfxActionDescribe, kOfxActionDestroyInstance,
    kOfxActionInstanceChanged, kOfxActionLoad, kOfxActionSyncPrivateData, kOfxActionUnload, kOfxBitDepthByte,
    kOfxBitDepthFloat, kOfxBitDepthHalf, kOfxBitDepthShort, kOfxChangePluginEdited, kOfxChangeUserEdited,
    kOfxPluginPropFilePath, kOfxPropChangeReason, kOfxPropEffectInstance, kOfxPropIcon, kOfxPropInstanceData,
    kOfxPropLabel, kOfxPropLongLabel, kOfxPropName, kOfxPropPluginDescription, kOfxPropShortLabel, kOfxPropTime,
    kOfxStatErrBadHandle, kOfxStatErrMissingHostFeature, kOfxStatFailed, kOfxStatOK, kOfxStatReplyDefault,
    kOfxStatReplyNo,
};
pub(super) use openfx::sys::generic::property::{OfxPropertySuiteV1, kOfxPropertySuite};
pub(super) use openfx::sys::image_effect_v1::colour::{
    kOfxImageClipPropColourspace, kOfxImageEffectColourManagementCore, kOfxImageEffectPropColourManagementStyle,
};
pub(super) use openfx::sys::image_effect_v1::draw_suite::*;
pub(super) use openfx::sys::image_effect_v1::image_effect::*;
pub(super) use openfx::sys::image_effect_v1::interact::*;
pub(super) use openfx::sys::image_effect_v1::message::{
    OfxMessageSuiteV1, OfxMessageSuiteV2, kOfxMessageError, kOfxMessageMessage, kOfxMessageQuestion, kOfxMessageSuite,
};
pub(super) use openfx::sys::image_effect_v1::multi_thread::{OfxMultiThreadSuiteV1, kOfxMultiThreadSuite};
pub(super) use openfx::sys::image_effect_v1::param::*;
pub(super) use openfx::sys::image_effect_v1::pixels::OfxRGBAColourF;
pub(super) use openfx::sys::image_effect_v1::progress::{OfxProgressSuiteV1, kOfxProgressSuite};
pub(super) use openfx::sys::image_effect_v1::time_line::{OfxTimeLineSuiteV1, kOfxTimeLineSuite};
