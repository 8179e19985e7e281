//! One definition of a parameter, from which hosts, the command line, presets and tables are made.
//!
//! Input: static tables of [`Param`]. Output: checked [`Values`]. Invariants: ids never change once released;
//! a value in [`Values`] is always inside its parameter's range. Determinism: values are kept in id order.

use crate::fault::Fault;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::marker::PhantomData;
use std::ops::Deref;

/// What a parameter holds, with range and default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A sentence.
    Text {
        /// Default.
        default: &'static str,
    },
    /// Sentences on several lines.
    Lines,
    /// A number.
    Number {
        /// Default.
        default: f64,
        /// Smallest allowed.
        min: f64,
        /// Largest allowed.
        max: f64,
    },
    /// A whole number.
    Integer {
        /// Default.
        default: i64,
        /// Smallest allowed.
        min: i64,
        /// Largest allowed.
        max: i64,
    },
    /// A number, or what the node finds best.
    AutoNumber {
        /// What is a good number to begin with.
        usual: f64,
        /// Smallest allowed.
        min: f64,
        /// Largest allowed.
        max: f64,
    },
    /// A whole number, or what the node finds best.
    AutoInteger {
        /// What is a good number to begin with.
        usual: i64,
        /// Smallest allowed.
        min: i64,
        /// Largest allowed.
        max: i64,
    },
    /// One of a few words.
    Choice {
        /// Default, one of the options.
        default: &'static str,
        /// The words, in menu order.
        options: &'static [&'static str],
    },
    /// On or off.
    Switch {
        /// Default.
        default: bool,
    },
    /// Whole numbers separated by commas, such as colours a round.
    Integers {
        /// Default.
        default: &'static [i64],
        /// Smallest allowed.
        min: i64,
        /// Largest allowed.
        max: i64,
        /// Most entries allowed.
        most: usize,
    },
    /// A rectangle `x,y,w,h` in pixels of the source picture, origin at the top left; empty: none.
    Rect,
    /// A rectangle with a sentence, `x,y,w,h:TEXT`; may be given several times.
    Regions,
    /// A colour: red, green, blue in display-referred sRGB, 0 to 1.
    Color {
        /// Default.
        default: [f64; 3],
    },
    /// A file; empty: none.
    File {
        /// Whether it is read, and so must be there; else it is written.
        is_read: bool,
    },
}

/// The word for what the node finds best.
const AUTO: &str = "auto";

/// One parameter of one or more nodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Param {
    /// Stable name: OpenFX parameter name, JSON key and, with dashes, the flag.
    pub id: &'static str,
    /// Name an artist sees.
    pub label: &'static str,
    /// Full sentences: what it does and when to change it.
    pub hint: &'static str,
    /// Type, range, default.
    pub kind: Kind,
    /// Whether keys over time make sense.
    pub animates: bool,
}

/// A parameter whose values are read as `T` and as nothing else: what reads it otherwise does not compile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Typed<T> {
    /// The parameter, for tables.
    pub param: Param,
    of: PhantomData<T>,
}

impl<T> Deref for Typed<T> {
    type Target = Param;

    fn deref(&self) -> &Param {
        &self.param
    }
}

/// How a type is read from a [`Value`].
pub trait Read {
    /// What is read.
    type Out<'a>;

    /// The value; what is least where the node has no such parameter.
    fn read(value: Option<&Value>) -> Self::Out<'_>;
}

macro_rules! readable {
    ($($name:ident, $make:ident, $kinds:pat, $out:ty, $value:pat => $read:expr, $absent:expr, $what:literal;)*) => {
        $(
            #[doc = $what]
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub struct $name;

            impl Read for $name {
                type Out<'a> = $out;

                fn read(value: Option<&Value>) -> Self::Out<'_> {
                    if let Some($value) = value { $read } else { $absent }
                }
            }

            impl Param {
                #[doc = $what]
                #[doc = "\n\nOf another kind it does not compile where it is a constant."]
                pub const fn $make(self) -> Typed<$name> {
                    assert!(matches!(self.kind, $kinds), "the parameter is of another kind");
                    Typed { param: self, of: PhantomData }
                }
            }
        )*
    };
}

readable! {
    Text, text, Kind::Text { .. } | Kind::Lines | Kind::Choice { .. } | Kind::File { .. }, &'a str,
        Value::Text(text) => text.as_str(), "", "Sentences, words of a choice, names of files.";
    Number, number, Kind::Number { .. }, f64, Value::Number(number) => *number, 0.0, "Numbers.";
    Integer, integer, Kind::Integer { .. }, i64, Value::Integer(number) => *number, 0, "Whole numbers.";
    AutoNumber, auto_number, Kind::AutoNumber { .. }, Option<f64>, Value::Number(number) => Some(*number), None,
        "Numbers; none where the node finds them.";
    AutoInteger, auto_integer, Kind::AutoInteger { .. }, Option<i64>, Value::Integer(number) => Some(*number), None,
        "Whole numbers; none where the node finds them.";
    Switch, switch, Kind::Switch { .. }, bool, Value::Switch(on) => *on, false, "On or off.";
    Color, color, Kind::Color { .. }, [f64; 3], Value::Color(color) => *color, [0.0; 3], "A colour.";
    Integers, integers, Kind::Integers { .. }, &'a [i64], Value::Integers(numbers) => numbers.as_slice(), &[],
        "Several whole numbers.";
    Rectangle, rect, Kind::Rect, Option<[f64; 4]>, Value::Rect(rect) => *rect, None,
        "A rectangle in pixels of the source.";
    Areas, regions, Kind::Regions, &'a [Area], Value::Regions(regions) => regions.as_slice(), &[],
        "Rectangles with sentences.";
}

/// The value of one parameter.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Of [`Kind::Text`], [`Kind::Lines`], [`Kind::Choice`] and [`Kind::File`].
    Text(String),
    /// Of [`Kind::AutoNumber`] and [`Kind::AutoInteger`]: what the node finds best.
    Automatic,
    /// Of [`Kind::Number`] and [`Kind::AutoNumber`].
    Number(f64),
    /// Of [`Kind::Integer`] and [`Kind::AutoInteger`].
    Integer(i64),
    /// Of [`Kind::Switch`].
    Switch(bool),
    /// Of [`Kind::Integers`].
    Integers(Vec<i64>),
    /// Of [`Kind::Color`].
    Color([f64; 3]),
    /// Of [`Kind::Rect`]: x, y, width, height in pixels of the source.
    Rect(Option<[f64; 4]>),
    /// Of [`Kind::Regions`].
    Regions(Vec<Area>),
}

/// One region: a rectangle with a sentence.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Area {
    /// x, y, width, height in pixels of the source.
    pub rect: [f64; 4],
    /// Target sentence.
    pub prompt: String,
    /// Weight against the other prompts.
    pub weight: f64,
    /// Random crops a step, 0 for as many as the node says.
    pub patches: i64,
    /// Whether only shapes mostly inside this and other such regions may change.
    pub only: bool,
}

impl Area {
    /// A region of weight 1 that limits nothing.
    pub fn new(rect: [f64; 4], prompt: &str) -> Self {
        Self { rect, prompt: prompt.to_owned(), weight: 1.0, patches: 0, only: false }
    }
}

/// A value that does not fit its parameter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{label} (--{flag}) is '{given}': {rule}")]
pub struct ParamError {
    /// The parameter's label.
    pub label: &'static str,
    /// The parameter's flag.
    pub flag: String,
    /// What was given.
    pub given: String,
    /// What is allowed.
    pub rule: String,
}

impl ParamError {
    /// What kind of fault it is.
    pub fn fault(&self) -> Fault {
        Fault::Usage
    }
}

impl Param {
    /// The command-line flag: the id in dashes, such as `max-paths` for `maxPaths`.
    pub fn flag(&self) -> String {
        let mut flag = String::new();
        for letter in self.id.chars() {
            if letter.is_ascii_uppercase() {
                flag.push('-');
            }
            flag.push(letter.to_ascii_lowercase());
        }
        flag
    }

    /// What the switch is called that leaves the value to the node; none where the node does not find it.
    pub fn automatic_label(&self) -> Option<String> {
        let is_automatic = matches!(self.kind, Kind::AutoNumber { .. } | Kind::AutoInteger { .. });
        is_automatic.then(|| format!("Automatic {}", self.label.to_lowercase()))
    }

    /// The default value.
    pub fn default_value(&self) -> Value {
        match self.kind {
            Kind::Text { default } | Kind::Choice { default, .. } => Value::Text(default.to_owned()),
            Kind::Number { default, .. } => Value::Number(default),
            Kind::Integer { default, .. } => Value::Integer(default),
            Kind::AutoNumber { .. } | Kind::AutoInteger { .. } => Value::Automatic,
            Kind::Switch { default } => Value::Switch(default),
            Kind::Integers { default, .. } => Value::Integers(default.to_vec()),
            Kind::Rect => Value::Rect(None),
            Kind::Regions => Value::Regions(Vec::new()),
            Kind::Color { default } => Value::Color(default),
            Kind::File { .. } | Kind::Lines => Value::Text(String::new()),
        }
    }

    /// The range in words, for help texts and tables.
    pub fn range(&self) -> String {
        match self.kind {
            Kind::Text { .. } => "text".to_owned(),
            Kind::Lines => "text, several lines".to_owned(),
            Kind::Number { min, max, .. } => format!("{min} to {max}"),
            Kind::Integer { min, max, .. } => format!("{min} to {max}, whole"),
            Kind::AutoNumber { min, max, .. } => format!("{AUTO}, or {min} to {max}"),
            Kind::AutoInteger { min, max, .. } => format!("{AUTO}, or {min} to {max}, whole"),
            Kind::Choice { options, .. } => options.join(", "),
            Kind::Switch { .. } => "on, off".to_owned(),
            Kind::Integers { min, max, most, .. } => {
                format!("up to {most} whole numbers from {min} to {max}, separated by commas")
            }
            Kind::Rect => "x,y,w,h in pixels".to_owned(),
            Kind::Regions => "x,y,w,h:TEXT, repeatable".to_owned(),
            Kind::Color { .. } => "RRGGBB in hexadecimal digits".to_owned(),
            Kind::File { .. } => "a file".to_owned(),
        }
    }

    /// The default in words; empty where there is none.
    pub fn default_text(&self) -> String {
        match self.default_value() {
            Value::Text(text) => text,
            Value::Automatic => AUTO.to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Integer(number) => number.to_string(),
            Value::Switch(on) => if on { "on" } else { "off" }.to_owned(),
            Value::Integers(numbers) => joined(&numbers),
            Value::Color(color) => text_from_color(color),
            Value::Rect(_) | Value::Regions(_) => String::new(),
        }
    }

    /// Reads a value from text as typed after a flag.
    ///
    /// # Errors
    /// [`ParamError`] that repeats the text and names the rule.
    pub fn parse(&self, text: &str) -> Result<Value, ParamError> {
        let value = match self.kind {
            Kind::Text { .. } | Kind::Lines | Kind::File { .. } | Kind::Choice { .. } => {
                Some(Value::Text(text.to_owned()))
            }
            Kind::Color { .. } => color_from_text(text).map(Value::Color),
            Kind::AutoNumber { .. } | Kind::AutoInteger { .. } if text == AUTO => Some(Value::Automatic),
            Kind::Number { .. } | Kind::AutoNumber { .. } => text.parse().ok().map(Value::Number),
            Kind::Integer { .. } | Kind::AutoInteger { .. } => text.parse().ok().map(Value::Integer),
            Kind::Switch { .. } => switch_from_text(text).map(Value::Switch),
            Kind::Integers { .. } => {
                let numbers = text.split(',').map(|part| part.trim().parse().ok()).collect::<Option<Vec<i64>>>();
                numbers.map(Value::Integers)
            }
            Kind::Rect => rect_from_text(text).map(|rect| Value::Rect(Some(rect))),
            Kind::Regions => text.split_once(':').and_then(|(rect, prompt)| {
                rect_from_text(rect).map(|rect| Value::Regions(vec![Area::new(rect, prompt)]))
            }),
        };
        match value {
            Some(value) if self.accepts(&value) => Ok(value),
            _ => Err(self.error(text)),
        }
    }

    fn error(&self, given: &str) -> ParamError {
        ParamError {
            label: self.label,
            flag: self.flag(),
            given: given.to_owned(),
            rule: format!("give {}", self.range()),
        }
    }

    fn accepts(&self, value: &Value) -> bool {
        match (self.kind, value) {
            (Kind::Number { min, max, .. } | Kind::AutoNumber { min, max, .. }, Value::Number(number)) => {
                (min..=max).contains(number)
            }
            (Kind::Integer { min, max, .. } | Kind::AutoInteger { min, max, .. }, Value::Integer(number)) => {
                (min..=max).contains(number)
            }
            (Kind::Choice { options, .. }, Value::Text(text)) => options.contains(&text.as_str()),
            (Kind::Integers { min, max, most, .. }, Value::Integers(numbers)) => {
                !numbers.is_empty() && numbers.len() <= most && numbers.iter().all(|n| (min..=max).contains(n))
            }
            (Kind::Color { .. }, Value::Color(color)) => color.iter().all(|value| (0.0..=1.0).contains(value)),
            (Kind::Text { .. } | Kind::Lines | Kind::File { .. }, Value::Text(_))
            | (Kind::AutoNumber { .. } | Kind::AutoInteger { .. }, Value::Automatic)
            | (Kind::Switch { .. }, Value::Switch(_))
            | (Kind::Rect, Value::Rect(_))
            | (Kind::Regions, Value::Regions(_)) => true,
            _ => false,
        }
    }
}

fn joined(numbers: &[i64]) -> String {
    let mut text = String::new();
    for (index, number) in numbers.iter().enumerate() {
        let _ = write!(text, "{}{number}", if index > 0 { "," } else { "" });
    }
    text
}

fn switch_from_text(text: &str) -> Option<bool> {
    match text {
        "on" | "true" | "1" => Some(true),
        "off" | "false" | "0" => Some(false),
        _ => None,
    }
}

/// Of two hexadecimal digits a channel, with a # before them or without: a shell takes # for the start of a comment.
fn color_from_text(text: &str) -> Option<[f64; 3]> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    let is_color = digits.len() == 6 && digits.bytes().all(|letter| letter.is_ascii_hexdigit());
    let number = u32::from_str_radix(digits, 16).ok().filter(|_| is_color)?;
    let [_, red, green, blue] = number.to_be_bytes();
    Some([red, green, blue].map(|byte| f64::from(byte) / 255.0))
}

fn text_from_color(color: [f64; 3]) -> String {
    let [red, green, blue] = color.map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn rect_from_text(text: &str) -> Option<[f64; 4]> {
    let numbers = text.split(',').map(|part| part.trim().parse().ok()).collect::<Option<Vec<f64>>>()?;
    let rect = <[f64; 4]>::try_from(numbers).ok()?;
    rect.iter().all(|side| side.is_finite()).then_some(rect)
}

/// The checked values of one node at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    values: BTreeMap<&'static str, Value>,
}

impl Values {
    /// The defaults of `params`.
    pub fn defaults<'a>(params: impl IntoIterator<Item = &'a Param>) -> Self {
        Self { values: params.into_iter().map(|param| (param.id, param.default_value())).collect() }
    }

    /// Sets `param`; of regions, adds one more.
    ///
    /// # Errors
    /// [`ParamError`] when the value is of the wrong kind or out of range.
    pub fn set(&mut self, param: &Param, value: Value) -> Result<(), ParamError> {
        if !param.accepts(&value) {
            return Err(param.error(&format!("{value:?}")));
        }
        match (self.values.get_mut(param.id), value) {
            (Some(Value::Regions(all)), Value::Regions(more)) => all.extend(more),
            (_, value) => {
                self.values.insert(param.id, value);
            }
        }
        Ok(())
    }

    /// Leaves out the regions whose rectangle is not `kept`, and returns them.
    pub fn leave_out_regions(&mut self, kept: impl Fn([f64; 4]) -> bool) -> Vec<Area> {
        let regions =
            self.values.values_mut().filter_map(|value| if let Value::Regions(all) = value { Some(all) } else { None });
        regions.flat_map(|all| all.extract_if(.., |area| !kept(area.rect)).collect::<Vec<_>>()).collect()
    }

    /// Every value in id order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.values.iter().map(|(id, value)| (*id, value))
    }

    /// The value of a parameter; empty, off or 0 when the node has no such parameter.
    pub fn get<T: Read>(&self, param: &Typed<T>) -> T::Out<'_> {
        T::read(self.values.get(param.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_node_finds_best_has_a_word_and_no_number() {
        let kind = Kind::AutoInteger { usual: 40, min: 1, max: 500 };
        let param = Param { id: "steps", label: "Steps", kind, ..COUNT };
        assert_eq!(param.parse("auto").unwrap(), Value::Automatic);
        assert_eq!(param.parse("7").unwrap(), Value::Integer(7));
        assert_eq!(param.parse("0").unwrap_err().rule, "give auto, or 1 to 500, whole");
        let mut values = Values::defaults(&[param]);
        assert_eq!((values.get(&param.auto_integer()), param.default_text().as_str()), (None, "auto"));
        values.set(&param, Value::Integer(7)).unwrap();
        assert_eq!(values.get(&param.auto_integer()), Some(7));
    }

    const COUNT: Param = Param {
        id: "maxPaths",
        label: "Most paths",
        hint: "",
        kind: Kind::Integer { default: 5, min: 1, max: 10 },
        animates: false,
    };
    const REGION: Param = Param { id: "region", label: "Region", hint: "", kind: Kind::Regions, animates: false };

    #[test]
    fn a_number_out_of_range_says_the_rule_and_the_flag() {
        let error = COUNT.parse("11").unwrap_err();
        assert_eq!(error.to_string(), "Most paths (--max-paths) is '11': give 1 to 10, whole");
    }

    #[test]
    fn regions_add_up_and_keep_colons_in_their_text() {
        let mut values = Values::defaults(&[REGION]);
        for text in ["1,2,3,4:a: b", "0,0,9,9:c"] {
            values.set(&REGION, REGION.parse(text).unwrap()).unwrap();
        }
        let expected = [Area::new([1.0, 2.0, 3.0, 4.0], "a: b"), Area::new([0.0, 0.0, 9.0, 9.0], "c")];
        assert_eq!(values.get(&REGION.regions()), expected);
    }

    #[test]
    fn a_colour_is_read_with_and_without_a_hash_and_shown_with_one() {
        let kind = Kind::Color { default: [1.0, 0.0, 0.2] };
        let param = Param { id: "letterColor", kind, ..COUNT };
        assert_eq!(param.default_text(), "#ff0033");
        for text in ["#Ff0033", "ff0033"] {
            assert_eq!(param.parse(text).unwrap(), Value::Color([1.0, 0.0, 0.2]), "{text}");
        }
        for text in ["", "#", "red", "#f03", "#ff00334", "+f0033", "ff003\u{e9}"] {
            assert!(param.parse(text).is_err(), "{text} was taken");
        }
        assert!(Values::defaults(&[param]).set(&param, Value::Color([0.0, f64::NAN, 2.0])).is_err(), "no colour");
    }

    #[test]
    fn malformed_regions_are_refused() {
        for text in ["1,2,3:x", "1,2,3,4", "nan,0,1,1:x", "", ":"] {
            assert!(REGION.parse(text).is_err(), "{text} was taken");
        }
    }
}
