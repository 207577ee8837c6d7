//! The lattice laws, and the label of a reference into a value.

use proptest::prelude::*;

use super::*;
use crate::id::Category;

fn category(n: u8) -> Category {
    Category::parse(&format!("c{n}")).unwrap()
}

fn region(n: u8) -> Region {
    Region::parse(&format!("r{n}")).unwrap()
}

prop_compose! {
    fn label()(
        level in 0..4usize,
        categories in prop::collection::btree_set(0..4u8, 0..4),
        residency in prop::option::of(prop::collection::btree_set(0..4u8, 0..4)),
        readers in prop::option::of(prop::collection::btree_set(0..4u8, 0..4)),
        untrusted: bool,
        sources in prop::collection::btree_set(0..4u8, 0..4),
        subjects in prop::collection::btree_set(0..4u8, 0..4),
    ) -> Label {
        Label {
            confidentiality: Confidentiality::ALL[level],
            categories: categories.into_iter().map(category).collect(),
            residency: residency.map_or(Allowed::Any, |set| Allowed::only(set.into_iter().map(region))),
            readers: readers.map_or(Allowed::Any, |set| {
                Allowed::only(set.into_iter().map(|n| Reader::parse(&format!("p{n}")).unwrap()))
            }),
            integrity: if untrusted { Integrity::Untrusted } else { Integrity::Trusted },
            sources: sources.into_iter().map(|n| Provenance::parse(&format!("s{n}")).unwrap()).collect(),
            subjects: subjects.into_iter().map(|n| SubjectId::from_bytes([n; 16])).collect(),
        }
    }
}

proptest! {
    #[test]
    fn join_is_associative_commutative_and_idempotent(a in label(), b in label(), c in label()) {
        prop_assert_eq!(a.join(&b).join(&c), a.join(&b.join(&c)));
        prop_assert_eq!(a.join(&b), b.join(&a));
        prop_assert_eq!(&a.join(&a), &a);
        prop_assert_eq!(a.join(&Label::literal()), a);
    }

    #[test]
    fn join_is_the_least_upper_bound(a in label(), b in label(), c in label()) {
        let sum = a.join(&b);
        prop_assert!(a.flows_to(&sum) && b.flows_to(&sum));
        if a.flows_to(&c) && b.flows_to(&c) {
            prop_assert!(sum.flows_to(&c));
        }
    }

    #[test]
    fn flows_to_is_a_partial_order_that_join_decides(a in label(), b in label()) {
        prop_assert_eq!(a.flows_to(&b), a.join(&b) == b);
        if a.flows_to(&b) && b.flows_to(&a) {
            prop_assert_eq!(a, b);
        }
    }
}

fn declared(list: &[(&str, Confidentiality, Integrity)]) -> FieldLabels {
    FieldLabels::new(
        list.iter()
            .map(|(path, confidentiality, integrity)| {
                let label = Label {
                    confidentiality: *confidentiality,
                    integrity: *integrity,
                    ..Label::literal()
                };
                (Path::parse(path).unwrap(), label)
            })
            .collect(),
    )
}

#[test]
fn a_reference_joins_the_nearest_declaration_above_with_all_beneath() {
    use Confidentiality::{Confidential, Internal, Public, Restricted};
    use Integrity::{Trusted, Untrusted};
    let fields = declared(&[
        ("", Internal, Untrusted),
        ("/id", Public, Trusted),
        ("/lines/*/text", Confidential, Untrusted),
    ]);
    let check = |path: &str, confidentiality, integrity| {
        let label = fields.at(&Path::parse(path).unwrap());
        assert_eq!(
            (label.confidentiality, label.integrity),
            (confidentiality, integrity),
            "{path}"
        );
    };
    check("/id", Public, Trusted);
    check("/other", Internal, Untrusted);
    check("/lines", Confidential, Untrusted);
    check("/lines/*/text/deeper", Confidential, Untrusted);
    check("", Confidential, Untrusted);
    assert_eq!(
        FieldLabels::default().at(&Path::root()),
        Label::unlabelled()
    );
    let only_parts = declared(&[("/a", Public, Trusted)]);
    assert_eq!(
        only_parts.at(&Path::parse("/b").unwrap()).confidentiality,
        Restricted
    );
}
