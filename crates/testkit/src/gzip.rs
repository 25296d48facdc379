//! Gzip of one byte repeated, made by hand so that a bomb costs nothing to build.
//!
//! One fixed-Huffman block: the byte once, then matches of 258 at distance 1, 13 bits each.

/// Gzip data that opens to `length` times `byte`.
pub fn of_repeated(byte: u8, length: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.low_first(0b011, 3);
    let literals = if length == 0 { 0 } else { 1 + (length - 1) % 258 };
    for _ in 0..literals {
        literal(&mut bits, byte);
    }
    for _ in 0..(length - literals) / 258 {
        bits.high_first(0b1100_0101, 8);
        bits.high_first(0, 5);
    }
    bits.high_first(0, 7);
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    out.extend(bits.finish());
    out.extend(crc32(byte, length).to_le_bytes());
    out.extend((length as u32).to_le_bytes());
    out
}

fn literal(bits: &mut Bits, byte: u8) {
    match byte {
        0..144 => bits.high_first(0x30 + u32::from(byte), 8),
        144.. => bits.high_first(0x190 + u32::from(byte) - 144, 9),
    }
}

fn crc32(byte: u8, length: usize) -> u32 {
    let table: Vec<u32> = (0..256u32)
        .map(|start| {
            (0..8).fold(start, |c, _| {
                if c & 1 == 1 {
                    0xedb8_8320 ^ (c >> 1)
                } else {
                    c >> 1
                }
            })
        })
        .collect();
    !(0..length).fold(u32::MAX, |crc, _| {
        table[((crc ^ u32::from(byte)) & 255) as usize] ^ (crc >> 8)
    })
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits {
    fn low_first(&mut self, value: u32, count: u32) {
        for at in 0..count {
            self.bit(value >> at & 1);
        }
    }

    fn high_first(&mut self, value: u32, count: u32) {
        for at in (0..count).rev() {
            self.bit(value >> at & 1);
        }
    }

    fn bit(&mut self, bit: u32) {
        self.held |= bit << self.count;
        self.count += 1;
        if self.count == 8 {
            self.bytes.push(self.held as u8);
            (self.held, self.count) = (0, 0);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.bytes.push(self.held as u8);
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    #[test]
    fn bomb_opens_to_its_length() {
        for length in [0, 1, 258, 259, 260, 1_000_003] {
            let packed = super::of_repeated(b' ', length);
            let mut child = Command::new("gzip")
                .arg("-dc")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(&packed).unwrap();
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "gzip refused {length}");
            assert_eq!(output.stdout, vec![b' '; length]);
        }
    }
}
