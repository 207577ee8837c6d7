//! Attack 22: keys and signatures on which implementations of Ed25519 differ. Each vector is made here and is
//! shown to satisfy the equation that a lenient verifier checks; all of them are refused.

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity as _;
use interlock_journal::note::{KeyFault, KeyKind, NoteFault, SignatureLine, assemble, key_id};
use interlock_journal::{SignedNote, VerifierKey};
use sha2::{Digest as _, Sha512};

use crate::written::{ORIGIN, Signer};

const TEXT: &str = "log.example/tenant\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

/// The order of the base point, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn secret() -> Scalar {
    Scalar::from_bytes_mod_order([5; 32])
}

fn nonce() -> Scalar {
    Scalar::from_bytes_mod_order([7; 32])
}

fn base(scalar: Scalar) -> EdwardsPoint {
    ED25519_BASEPOINT_POINT * scalar
}

fn challenge(r: [u8; 32], public: [u8; 32]) -> Scalar {
    let mut hash = Sha512::new();
    hash.update(r);
    hash.update(public);
    hash.update(TEXT.as_bytes());
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}

/// S = nonce + k * secret for the encoded R and public key.
fn answer(r: [u8; 32], public: [u8; 32], nonce: Scalar) -> [u8; 32] {
    (nonce + challenge(r, public) * secret()).to_bytes()
}

/// S B - R - k A, as the points say that the encodings are.
fn difference(r: [u8; 32], public: [u8; 32], s: [u8; 32]) -> EdwardsPoint {
    let point = |bytes| CompressedEdwardsY(bytes).decompress().unwrap();
    base(Scalar::from_bytes_mod_order(s)) - point(r) - point(public) * challenge(r, public)
}

fn verify(public: [u8; 32], r: [u8; 32], s: [u8; 32]) -> Result<(), NoteFault> {
    let key = VerifierKey::new(ORIGIN, KeyKind::Ed25519, public).unwrap();
    let line = SignatureLine {
        name: ORIGIN.to_owned(),
        key_id: key_id(ORIGIN, 1, &public),
        signature: [r, s].concat(),
    };
    let note = SignedNote::parse(&assemble(TEXT, &[line]).unwrap()).unwrap();
    note.verify(&[key]).map(drop)
}

fn refused() -> Result<(), NoteFault> {
    Err(NoteFault::Signature(ORIGIN.to_owned()))
}

/// An honest key, and the encoded R of an honest signature.
fn honest() -> ([u8; 32], [u8; 32]) {
    let encode = |scalar| base(scalar).compress().to_bytes();
    (encode(secret()), encode(nonce()))
}

#[test]
fn attack_22_the_vectors_made_here_verify_when_nothing_is_odd() {
    let (public, r) = honest();
    assert_eq!(verify(public, r, answer(r, public, nonce())), Ok(()));
}

#[test]
fn attack_22_no_honest_key_is_refused() {
    for seed in 0..=255 {
        Signer::log(ORIGIN, seed).key();
    }
}

#[test]
fn attack_22_small_order_keys_are_refused_in_all_their_encodings() {
    let mut encodings: Vec<[u8; 32]> = EIGHT_TORSION
        .iter()
        .map(|point| point.compress().to_bytes())
        .collect();
    // Those of the points with y of 0 and 1 that add the prime to y, and those with the sign of no x.
    for low in [0xed, 0xee] {
        let mut y = [0xff; 32];
        y[0] = low;
        encodings.push(y);
        y[31] = 0x7f;
        encodings.push(y);
    }
    for low in [1, 0xec] {
        let mut y = if low == 1 { [0; 32] } else { [0xff; 32] };
        y[0] = low;
        y[31] |= 0x80;
        encodings.push(y);
    }
    encodings.sort();
    encodings.dedup();
    assert_eq!(encodings.len(), 14);
    for public in encodings {
        for kind in [KeyKind::Ed25519, KeyKind::Cosignature] {
            let key = VerifierKey::new(ORIGIN, kind, public);
            assert_eq!(key, Err(KeyFault::Point), "{public:x?}");
        }
    }
}

#[test]
fn attack_22_keys_that_are_no_points_or_not_in_canonical_form_are_refused() {
    let mut off_curve = [0; 32];
    off_curve[0] = 2;
    assert!(CompressedEdwardsY(off_curve).decompress().is_none());
    assert_eq!(
        VerifierKey::new(ORIGIN, KeyKind::Ed25519, off_curve),
        Err(KeyFault::Point)
    );
    // y between the prime and 2^255 names the point of y less the prime.
    let mut seen = 0;
    for low in 0xed..=0xff {
        let mut public = [0xff; 32];
        public[0] = low;
        public[31] = 0x7f;
        seen += usize::from(CompressedEdwardsY(public).decompress().is_some());
        assert_eq!(
            VerifierKey::new(ORIGIN, KeyKind::Ed25519, public),
            Err(KeyFault::Point)
        );
    }
    assert!(seen > 2, "some of them are points, to a lenient reader");
}

#[test]
fn attack_22_keys_of_mixed_order_are_refused() {
    for torsion in &EIGHT_TORSION[1..] {
        let point = base(secret()) + torsion;
        assert!(!point.is_small_order());
        let public = point.compress().to_bytes();
        assert_eq!(
            VerifierKey::new(ORIGIN, KeyKind::Ed25519, public),
            Err(KeyFault::Point)
        );
    }
}

#[test]
fn attack_22_signatures_that_only_the_cofactored_equation_accepts_are_refused() {
    let (public, _) = honest();
    for torsion in &EIGHT_TORSION[1..] {
        let r = (base(nonce()) + torsion).compress().to_bytes();
        let s = answer(r, public, nonce());
        let difference = difference(r, public, s);
        assert!(!difference.is_identity() && difference.mul_by_cofactor().is_identity());
        assert_eq!(verify(public, r, s), refused());
    }
}

#[test]
fn attack_22_signatures_with_a_small_order_r_are_refused() {
    let (public, _) = honest();
    for torsion in &EIGHT_TORSION {
        let r = torsion.compress().to_bytes();
        let s = answer(r, public, Scalar::ZERO);
        assert!(difference(r, public, s).mul_by_cofactor().is_identity());
        assert_eq!(verify(public, r, s), refused());
    }
}

#[test]
fn attack_22_signatures_with_an_r_in_another_encoding_are_refused() {
    let (public, _) = honest();
    // The identity, with y of 1 written as the prime and one more.
    let mut r = [0xff; 32];
    r[0] = 0xee;
    r[31] = 0x7f;
    let s = answer(r, public, Scalar::ZERO);
    assert!(difference(r, public, s).is_identity());
    assert_eq!(verify(public, r, s), refused());
}

#[test]
fn attack_22_signatures_with_s_not_reduced_are_refused() {
    let (public, r) = honest();
    let s = answer(r, public, nonce());
    let mut larger = s;
    let mut tried = 0;
    // S + order, S + 2 order and so on, while they fit.
    'adding: loop {
        let mut carry = 0u16;
        for (byte, add) in larger.iter_mut().zip(ORDER) {
            carry += u16::from(*byte) + u16::from(add);
            *byte = carry as u8;
            carry >>= 8;
        }
        if carry > 0 {
            break 'adding;
        }
        assert!(difference(r, public, larger).is_identity());
        assert_eq!(verify(public, r, larger), refused());
        tried += 1;
    }
    assert!(tried >= 14);
}

#[test]
fn attack_22_signatures_of_another_length_are_refused() {
    let (public, r) = honest();
    let s = answer(r, public, nonce());
    let key = VerifierKey::new(ORIGIN, KeyKind::Ed25519, public).unwrap();
    let whole = [r, s].concat();
    for signature in [
        &whole[..63],
        &whole[..32],
        &[whole.as_slice(), &[0]].concat(),
    ] {
        let line = SignatureLine {
            name: ORIGIN.to_owned(),
            key_id: key.key_id(),
            signature: signature.to_vec(),
        };
        let note = SignedNote::parse(&assemble(TEXT, &[line]).unwrap()).unwrap();
        assert_eq!(note.verify(std::slice::from_ref(&key)).map(drop), refused());
    }
}
