//! Vectors, matrices, shapes and colours.

use geo_types::{LineString, Polygon, Rect, coord};
use nalgebra::{DMatrix, UnitQuaternion, Vector3};
use ndarray::{Array2, ArrayD, ShapeBuilder};
use rstar::RTree;

use crate::row::Row;
use crate::subject::{opaque, value};

pub fn rows() -> Vec<Row> {
    [matrices(), vectors(), shapes(), colours()].into_iter().flatten().collect()
}

fn matrices() -> Vec<Row> {
    let by_columns = || Array2::from_shape_vec((2, 2).f(), vec![1, 3, 2, 4]).expect("four items");
    let by_rows = || Array2::from_shape_vec((2, 2), vec![1, 2, 3, 4]).expect("four items");
    let dynamic = |shape: &[usize]| {
        ArrayD::from_shape_vec(shape.to_vec(), vec![1, 2, 3, 4]).expect("four items")
    };
    vec![
        value("ndarray::Array2<i32>", move || {
            [("by rows", by_rows()), ("by columns", by_columns()), ("transposed", by_rows().reversed_axes())]
        })
        .way("serde shows the items by rows: only a function that looks at the layout tells them apart"),
        value("ndarray::ArrayD<i32>", move || {
            [("2 x 2", dynamic(&[2, 2])), ("4 x 1", dynamic(&[4, 1])), ("4", dynamic(&[4]))]
        })
        .row(),
        value("nalgebra::DMatrix<f64>", || {
            let of = |rows, columns| DMatrix::from_vec(rows, columns, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
            [("2 x 3", of(2, 3)), ("3 x 2", of(3, 2)), ("3 x 2 reshaped", of(2, 3).reshape_generic(nalgebra::Dyn(3), nalgebra::Dyn(2)))]
        })
        .row(),
        value("nalgebra::Vector3<f64>", || {
            [("0", Vector3::new(0.0, 1.0, 2.0)), ("-0", Vector3::new(-0.0, 1.0, 2.0)), ("1", Vector3::new(1.0, 1.0, 2.0))]
        })
        .row(),
        value("nalgebra::UnitQuaternion<f64>", || {
            let turn = || UnitQuaternion::from_euler_angles(0.1, 0.2, 0.3);
            [("q", turn()), ("-q", UnitQuaternion::new_unchecked(-turn().into_inner())), ("identity", UnitQuaternion::identity())]
        })
        .way("`==` compares rotations"),
    ]
}

fn vectors() -> Vec<Row> {
    vec![
        value("glam::Vec3A", || {
            let garbage = glam::Vec3A::from_vec4(glam::Vec4::new(1.0, 2.0, 3.0, 99.0));
            [
                ("1 2 3", glam::Vec3A::new(1.0, 2.0, 3.0)),
                ("from a Vec4", garbage),
                ("0", glam::Vec3A::ZERO),
            ]
        })
        .way("the fourth lane is not seen"),
        value("glam::Quat", || {
            let turn = || glam::Quat::from_rotation_x(0.5);
            [("q", turn()), ("-q", -turn()), ("identity", glam::Quat::IDENTITY)]
        })
        .row(),
        value("euclid::Point2D<f32, UnknownUnit>", || {
            let of = euclid::Point2D::<f32, euclid::UnknownUnit>::new;
            [("0 1", of(0.0, 1.0)), ("-0 1", of(-0.0, 1.0)), ("1 1", of(1.0, 1.0))]
        })
        .way("the unit is a type, and each instance has its own entries"),
        value("euclid::Angle<f64>", || {
            let of = euclid::Angle::<f64>::radians;
            [("0", of(0.0)), ("one turn", euclid::Angle::two_pi()), ("-0", of(-0.0))]
        })
        .way("`key = angle.positive()`"),
        value("cgmath::Vector3<f64>", || {
            let of = cgmath::Vector3::<f64>::new;
            [("0", of(0.0, 1.0, 2.0)), ("-0", of(-0.0, 1.0, 2.0)), ("1", of(1.0, 1.0, 2.0))]
        })
        .row(),
        value("cgmath::Deg<f64>", || [("0", cgmath::Deg(0.0)), ("360", cgmath::Deg(360.0))]).row(),
        value("cgmath::Quaternion<f64>", || {
            let of = cgmath::Quaternion::<f64>::new;
            [("q", of(1.0, 0.5, 0.0, 0.0)), ("-q", of(-1.0, -0.5, -0.0, -0.0))]
        })
        .row(),
    ]
}

fn shapes() -> Vec<Row> {
    let ring = |closed: bool| {
        let mut points = vec![(0, 0), (1, 0), (1, 1)];
        if closed {
            points.push((0, 0));
        }
        Polygon::new(LineString::from(points), Vec::new())
    };
    let turned = || Polygon::new(LineString::from(vec![(1, 0), (1, 1), (0, 0)]), Vec::new());
    vec![
        value("geo_types::Polygon<i32>", move || {
            [("open", ring(false)), ("closed", ring(true)), ("from another corner", turned())]
        })
        .way("the same area from another corner is another value"),
        value("geo_types::Rect<i32>", || {
            let of = |a: i32, b: i32| Rect::new(coord! { x: a, y: a }, coord! { x: b, y: b });
            [("0 1", of(0, 1)), ("1 0", of(1, 0)), ("0 2", of(0, 2))]
        })
        .row(),
        value("kurbo::BezPath", || {
            let of = |text| kurbo::BezPath::from_svg(text).expect("a path");
            [("absolute", of("M0,0 L1,1")), ("relative", of("m0,0 l1,1")), ("closed", of("M0,0 L1,1 Z"))]
        })
        .row(),
        opaque(
            "rstar::RTree<[i32; 2]>",
            |tree: &RTree<[i32; 2]>| {
                let mut points: Vec<_> = tree.iter().copied().collect();
                points.sort_unstable();
                format!("{points:?}")
            },
            || {
                let points = || (0..40).map(|n| [n, n * n]);
                let mut inserted = RTree::new();
                points().for_each(|point| inserted.insert(point));
                [("at once", RTree::bulk_load(points().collect())), ("one by one", inserted), ("empty", RTree::new())]
            },
        )
        .way("the form of the tree counts: `key = memokit::unordered(tree.iter().collect::<Vec<_>>())`"),
    ]
}

fn colours() -> Vec<Row> {
    vec![
        value("palette::RgbHue<f32>", || {
            let of = palette::RgbHue::<f32>::from_degrees;
            [("10", of(10.0)), ("370", of(370.0)), ("20", of(20.0))]
        })
        .way("`key = hue.into_positive_degrees()`"),
        value("csscolorparser::Color", || {
            let grey = |part| csscolorparser::Color::new(part, part, part, 1.0);
            [
                ("0.5", grey(0.5)),
                ("0.501", grey(0.501)),
                ("red", csscolorparser::Color::from_rgba8(255, 0, 0, 255)),
            ]
        })
        .way("the text has 8 bits for each channel: `key = color.to_array()`"),
    ]
}
