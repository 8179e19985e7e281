# A still for 24 frames whose prompt passes from day to night, for NatronRenderer:
#   OFX_PLUGIN_PATH=~/OFX/Plugins NatronRenderer -w Write1 night.####.png 1-24 prompt_shot_natron.py
# Natron calls createInstance(app, group) when it loads the script.
import os


def createInstance(app, group):
    here = os.path.dirname(os.path.abspath(__file__))
    reader = app.createReader(os.path.join(here, "..", "..", "examples", "rocket.jpg"))
    edit = app.createNode("org.linocut.PromptEdit")
    edit.connectInput(0, reader)
    edit.getParam("promptSchedule").setValue("1: a photo in daylight\n24: a scene by moonlight")
    edit.getParam("transition").setValue("smooth")
    edit.getParam("mode").setValue("color")
    edit.getParam("quality").setValue("draft")
    writer = app.createWriter("night.####.png")
    writer.setScriptName("Write1")
    # Frames of the photograph's own size: a new project is HD, and the picture would sit in a corner of it. In a script the reader
    # tells its format too late for the writer's "input".
    writer.getParam("formatType").setValue(2)
    for axis, side in enumerate((512, 342)):
        writer.getParam("NatronParamFormatSize").setValue(side, axis)
    writer.connectInput(0, edit)
