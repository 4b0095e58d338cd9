//! The system's random bytes in the shape that HPKE asks for, where no call can fail: a failure is noted instead.

use std::convert::Infallible;

use hpke::rand_core::{TryCryptoRng, TryRng};

/// The system's random bytes. What was made with them is void once [`SystemRandom::failed`].
#[derive(Debug, Default)]
pub(super) struct SystemRandom {
    failed: bool,
}

impl SystemRandom {
    /// Whether the system ever gave none.
    pub fn failed(&self) -> bool {
        self.failed
    }
}

impl TryRng for SystemRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.failed |= getrandom::fill(bytes).is_err();
        Ok(())
    }
}

impl TryCryptoRng for SystemRandom {}
