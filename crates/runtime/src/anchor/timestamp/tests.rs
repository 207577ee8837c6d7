//! Queries and replies: a reply made by `openssl ts` over known bytes, and every way in which one is not taken.

use super::*;

const FILE: &[u8] = b"log.example.org/test\n1\nx\n";
const RANDOM: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
/// `openssl ts -reply` of OpenSSL 3.0 to the query over `FILE` with `RANDOM`.
const GRANTED: &[u8] = include_bytes!("../../../testdata/anchor/granted.tsr");

fn check(file: &[u8], random: [u8; 8], reply: &[u8], expected: Result<&str, ReplyFault>) {
    let query = Query::new(file, random).unwrap();
    let read = query.check(reply).map(|token| token.time.to_string());
    assert_eq!(read.as_deref().map_err(|fault| *fault), expected);
}

#[test]
fn a_granted_reply_is_taken_and_its_time_read() {
    check(FILE, RANDOM, GRANTED, Ok("2026-11-21T06:50:58.000000Z"));
    assert!(token_over(FILE, GRANTED).is_ok());
}

#[test]
fn attack_49_a_token_over_another_file_is_refused() {
    check(b"another", RANDOM, GRANTED, Err(ReplyFault::Imprint));
    assert_eq!(token_over(b"another", GRANTED), Err(ReplyFault::Imprint));
}

#[test]
fn attack_49_a_token_from_before_is_refused() {
    check(FILE, [9; 8], GRANTED, Err(ReplyFault::Nonce));
}

#[test]
fn a_refusal_is_no_token() {
    // PKIStatusInfo { rejection, failInfo badAlg }, as openssl writes it.
    let refused = [
        0x30, 0x09, 0x30, 0x07, 0x02, 0x01, 0x02, 0x03, 0x02, 0x07, 0x80,
    ];
    check(FILE, RANDOM, &refused, Err(ReplyFault::Refused(2)));
    let granted_without_token = [0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x00];
    check(FILE, RANDOM, &granted_without_token, Err(ReplyFault::Form));
}

#[test]
fn cut_padded_or_oversized_replies_are_refused() {
    for cut in 0..GRANTED.len() {
        check(FILE, RANDOM, &GRANTED[..cut], Err(ReplyFault::Form));
    }
    let mut padded = GRANTED.to_vec();
    padded.push(0);
    check(FILE, RANDOM, &padded, Err(ReplyFault::Form));
    check(
        FILE,
        RANDOM,
        &[0x30; REPLY_BYTES_MAX + 1],
        Err(ReplyFault::Form),
    );
}

#[test]
fn every_nonce_is_a_positive_integer_in_its_shortest_form() {
    for random in [[0; 8], [0xff; 8], [0x80, 0, 0, 0, 0, 0, 0, 0]] {
        let query = Query::new(FILE, random).unwrap();
        assert_eq!(query.nonce[0] & 0xc0, 0x40);
        assert_eq!(query.bytes.len(), 69);
    }
}
