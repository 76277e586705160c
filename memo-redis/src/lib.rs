//! A tier of memokit that machines share: Redis, Valkey and what speaks their protocol.
