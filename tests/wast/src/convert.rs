//! `.wast` text to scripts.
//!
//! Binaries are encoded here. Where the text itself is wrong and that is what the directive says,
//! nothing is left to execute. What scripts cannot say becomes a directive that fails by name, so
//! that the not-yet list has to tell of it. Memory is never given back: see [`crate::suite`].

use crate::values;
use atoll_conformance::script::{Action, Directive, Excuse, Execute, File, Invoke, Kind, Unit};
use wast::{
    QuoteWat, Wast, WastDirective, WastExecute, WastInvoke, Wat,
    parser::{self, ParseBuffer},
    token::Id,
};

/// A text that lives as long as the program.
pub(crate) fn keep(text: impl Into<String>) -> &'static str {
    text.into().leak()
}

/// The script of a file. A file that cannot be read is one directive that fails.
pub(crate) fn file(
    name: &'static str,
    text: &'static str,
    excuses: Vec<Excuse<'static>>,
) -> File<'static> {
    let directives = directives(text).unwrap_or_else(|error| {
        let what = keep(format!("parser for this text: {}", error.message()));
        vec![Directive { line: 1, action: Action::Unknown(what) }]
    });
    File { name, excuses, directives }
}

fn directives(text: &'static str) -> Result<Vec<Directive<'static>>, wast::Error> {
    let mut lexer = wast::lexer::Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let buffer: &'static ParseBuffer<'static> =
        Box::leak(Box::new(ParseBuffer::new_with_lexer(lexer)?));
    let wast: Wast<'static> = parser::parse(buffer)?;
    let directive = |directive: WastDirective<'static>| {
        let (line, _) = directive.span().linecol_in(text);
        let line = u32::try_from(line + 1).unwrap_or(u32::MAX);
        Directive { line, action: action(directive).unwrap_or_else(Action::Unknown) }
    };
    Ok(wast.directives.into_iter().map(directive).collect())
}

/// What has no form in scripts, by its name.
type Known<T> = Result<T, &'static str>;

fn name(id: Option<Id<'static>>) -> &'static str {
    id.map_or("", |id| id.name())
}

fn action(directive: WastDirective<'static>) -> Known<Action<'static>> {
    Ok(match directive {
        WastDirective::Module(mut unit) => Action::Start(quoted(&mut unit)?),
        WastDirective::ModuleDefinition(mut unit) => Action::Define(quoted(&mut unit)?),
        WastDirective::ModuleInstance { instance, module, .. } => {
            Action::Instance { instance: name(instance), definition: name(module) }
        }
        WastDirective::AssertMalformed { module: mut unit, .. }
        | WastDirective::AssertInvalid { module: mut unit, .. } => {
            quoted(&mut unit).map_or(Action::Text, Action::Refused)
        }
        WastDirective::AssertUnlinkable { module: unit, .. } => Action::Unlinkable(binary(unit)?),
        WastDirective::Register { name: of, module, .. } => {
            Action::Register { name: of, instance: name(module) }
        }
        WastDirective::Invoke(call) => Action::Invoke(invoke(&call)?),
        WastDirective::AssertReturn { exec, results, .. } => {
            let expected = results.iter().map(values::expected).collect::<Known<_>>()?;
            Action::Returns(execute(exec)?, expected)
        }
        WastDirective::AssertTrap { exec, message, .. } => Action::Traps(execute(exec)?, message),
        WastDirective::AssertExhaustion { call, message, .. } => {
            Action::Exhausts(invoke(&call)?, message)
        }
        WastDirective::AssertInvalidCustom { .. } => return Err("assert_invalid_custom"),
        WastDirective::AssertMalformedCustom { .. } => return Err("assert_malformed_custom"),
        WastDirective::AssertException { .. } => return Err("assert_exception"),
        WastDirective::AssertSuspension { .. } => return Err("assert_suspension"),
        WastDirective::Thread(_) | WastDirective::Wait { .. } => return Err("threads"),
    })
}

fn execute(exec: WastExecute<'static>) -> Known<Execute<'static>> {
    Ok(match exec {
        WastExecute::Invoke(call) => Execute::Invoke(invoke(&call)?),
        WastExecute::Wat(unit) => Execute::Unit(binary(unit)?),
        WastExecute::Get { module, global, .. } => Execute::Get { instance: name(module), global },
    })
}

fn invoke(call: &WastInvoke<'static>) -> Known<Invoke<'static>> {
    Ok(Invoke {
        instance: name(call.module),
        function: call.name,
        arguments: call.args.iter().map(values::argument).collect::<Known<_>>()?,
    })
}

fn binary(unit: Wat<'static>) -> Known<Unit<'static>> {
    quoted(&mut QuoteWat::Wat(unit))
}

/// Encodes a module or component, whose text may stand in quotes.
fn quoted(unit: &mut QuoteWat<'static>) -> Known<Unit<'static>> {
    let kind = match unit {
        QuoteWat::Wat(Wat::Module(_)) | QuoteWat::QuoteModule(..) => Kind::Core,
        QuoteWat::Wat(Wat::Component(_)) | QuoteWat::QuoteComponent(..) => Kind::Component,
    };
    let name = name(unit.name());
    let encoded = unit.encode();
    let bytes =
        encoded.map_err(|error| keep(format!("parser for this text: {}", error.message())))?;
    Ok(Unit { kind, name, bytes: bytes.leak() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use atoll_conformance::script::{Argument, Expected, Value};

    fn actions(text: &'static str) -> Vec<(u32, Action<'static>)> {
        let file = file("a.wast", text, vec![]);
        file.directives.into_iter().map(|directive| (directive.line, directive.action)).collect()
    }

    #[test]
    fn directives_keep_line_and_meaning() {
        let text = "(module $m)

(register \"r\" $m)\n(assert_malformed (module quote \"(\") \"\")\n\
            (assert_return (invoke \"f\" (i32.const -1)) (f32.const nan:canonical))";
        let [start, register, text, returns] = &actions(text)[..] else { panic!("four") };
        assert!(matches!(start, (1, Action::Start(Unit { kind: Kind::Core, name: "m", .. }))));
        assert_eq!(*register, (3, Action::Register { name: "r", instance: "m" }));
        assert_eq!(*text, (4, Action::Text));
        let invoke =
            Invoke { instance: "", function: "f", arguments: vec![Argument::I32(u32::MAX)] };
        let expected = vec![Expected::Canonical32];
        assert_eq!(*returns, (5, Action::Returns(Execute::Invoke(invoke), expected)));
    }

    #[test]
    fn values_of_components_are_kept() {
        let text = "(component) (invoke \"f\" (list.const (u8.const 1)) (option.none))";
        let [(_, Action::Start(unit)), (_, Action::Invoke(invoke))] = &actions(text)[..] else {
            panic!("two")
        };
        assert_eq!(unit.kind, Kind::Component);
        let list = Value::List(vec![Value::U8(1)]);
        let values = [list, Value::Option(None)].map(Argument::Component);
        assert_eq!(invoke.arguments, values);
    }

    #[test]
    fn what_cannot_be_said_fails_by_name() {
        let named = |text| match &actions(text)[..] {
            [(1, Action::Unknown(what))] => (*what).to_owned(),
            other => panic!("{other:?}"),
        };
        assert_eq!(named("(assert_exception (invoke \"f\"))"), "assert_exception");
        assert!(named("(module (func $").starts_with("parser for this text: "));
    }
}
