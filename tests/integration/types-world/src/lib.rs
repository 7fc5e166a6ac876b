//! Gives back every value that it is given, after its host has had it.

#[allow(clippy::all, clippy::pedantic, missing_docs)]
mod bindings {
    wit_bindgen::generate!({ world: "types", path: "wit", additional_derives: [Clone] });
    use super::Component;
    export!(Component);
}

use std::sync::atomic::{AtomicBool, Ordering};

use bindings::Guest as World;
use bindings::exports::ferrule::types::echo::{Guest, Held};
use bindings::ferrule::types::echo as host;
use bindings::ferrule::types::kinds::{
    Color, Everything, Name, Nine, Number, Permissions, Point, Shape, ThirtyTwo,
};

struct Component;

macro_rules! echo {
    ($($name:ident: $kind:ty => |$v:ident| $asked:expr;)*) => {
        $(fn $name($v: $kind) -> $kind {
            $asked
        })*
    };
}

type Outcome<T, E> = Result<T, E>;

impl Guest for Component {
    echo! {
        a_bool: bool => |v| host::a_bool(v);
        a_s8: i8 => |v| host::a_s8(v);
        a_u8: u8 => |v| host::a_u8(v);
        a_s16: i16 => |v| host::a_s16(v);
        a_u16: u16 => |v| host::a_u16(v);
        a_s32: i32 => |v| host::a_s32(v);
        a_u32: u32 => |v| host::a_u32(v);
        a_s64: i64 => |v| host::a_s64(v);
        a_u64: u64 => |v| host::a_u64(v);
        a_f32: f32 => |v| host::a_f32(v);
        a_f64: f64 => |v| host::a_f64(v);
        a_char: char => |v| host::a_char(v);
        a_string: String => |v| host::a_string(&v);
        a_name: Name => |v| host::a_name(&v);
        a_held: Held => |v| Held { v: host::a_held(host::Held { v: v.v }).v };
        a_point: Point => |v| host::a_point(v);
        a_shape: Shape => |v| host::a_shape(&v);
        a_number: Number => |v| host::a_number(&v);
        a_color: Color => |v| host::a_color(v);
        some_permissions: Permissions => |v| host::some_permissions(v);
        some_of_nine: Nine => |v| host::some_of_nine(v);
        some_of_thirty_two: ThirtyTwo => |v| host::some_of_thirty_two(v);
        a_tuple: (u8, String, f64) => |v| host::a_tuple((v.0, &v.1, v.2));
        a_tuple_of_one: (i8,) => |v| host::a_tuple_of_one(v);
        an_everything: Everything => |v| host::an_everything(&v);
        bytes: Vec<u8> => |v| host::bytes(&v);
        bools: Vec<bool> => |v| host::bools(&v);
        s16s: Vec<i16> => |v| host::s16s(&v);
        u64s: Vec<u64> => |v| host::u64s(&v);
        f32s: Vec<f32> => |v| host::f32s(&v);
        chars: Vec<char> => |v| host::chars(&v);
        colors: Vec<Color> => |v| host::colors(&v);
        strings: Vec<Vec<String>> => |v| host::strings(&v);
        shapes: Vec<Shape> => |v| host::shapes(&v);
        everythings: Vec<Everything> => |v| host::everythings(&v);
        outcomes: Vec<Outcome<u8, String>> => |v| host::outcomes(&v);
        pairs: Vec<(String, Option<u64>)> => |v| host::pairs(&v);
        maybe_u8: Option<u8> => |v| host::maybe_u8(v);
        maybe_f64: Option<f64> => |v| host::maybe_f64(v);
        maybe_string: Option<String> => |v| host::maybe_string(v.as_deref());
        maybe_maybe: Option<Option<u32>> => |v| host::maybe_maybe(v);
        maybe_shape: Option<Shape> => |v| host::maybe_shape(v.as_ref());
        outcome: Outcome<u64, String> => |v| host::outcome(v.as_ref().map(|v| *v).map_err(String::as_str));
        outcome_of_shape: Outcome<Shape, Color> => |v| host::outcome_of_shape(v.as_ref());
        only_ok: Outcome<String, ()> => |v| host::only_ok(v.as_ref().map(String::as_str).map_err(|e| *e));
        only_err: Outcome<(), Permissions> => |v| host::only_err(v);
        neither: Outcome<(), ()> => |v| host::neither(v);
    }

    fn many(a: String, b: String, c: String, d: String, e: String, f: String, g: u8, h: f32, i: i64) -> Vec<String> {
        host::many(&a, &b, &c, &d, &e, &f, g, h, i)
    }

    fn sixteen(
        a: String, b: String, c: String, d: String, e: String, f: String, g: u8, h: f32, i: i64, j: bool,
    ) -> String {
        host::sixteen(&a, &b, &c, &d, &e, &f, g, h, i, j)
    }

    fn nothing() {
        host::nothing();
    }

    fn names(type_: u8, range: u8, err: u8, ctx: u8, s: u8, p: u8, len: u8, a_b: u8) -> u64 {
        host::names(type_, range, err, ctx, s, p, len, a_b)
    }
}

static CALLED: AtomicBool = AtomicBool::new(false);

impl World for Component {
    fn sum(points: Vec<Point>) -> Point {
        points.into_iter().fold(Point { x: 0, y: 0 }, |sum, point| Point {
            x: sum.x.wrapping_add(point.x),
            y: sum.y.wrapping_add(point.y),
        })
    }

    fn asked_now(zone: String) -> u64 {
        bindings::now(&zone)
    }

    fn close() -> u32 {
        7
    }

    fn trap(message: String) -> String {
        panic!("{message}")
    }

    fn spin() {
        loop {
            std::hint::spin_loop();
        }
    }

    fn grow(size: u32, value: u8) -> Vec<u8> {
        vec![value; size as usize]
    }

    fn first_call() -> bool {
        !CALLED.swap(true, Ordering::Relaxed)
    }
}
