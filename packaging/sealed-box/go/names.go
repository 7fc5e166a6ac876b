//go:build (darwin || linux) && (amd64 || arm64)

package sealedbox

import "example.org/ferrule/sealed-box/internal/ferrule/bindings"

// Algorithm is what a key is for.
type Algorithm = bindings.Algorithm

// The algorithms. A later release may know more.
const (
	// AES256GCM: AES-256-GCM (NIST SP 800-38D), nonces of 96 bits. A key seals at most 2³² messages.
	AES256GCM = bindings.AlgorithmAes256Gcm
	// ChaCha20Poly1305: ChaCha20-Poly1305 (RFC 8439). A key seals at most 2³² messages.
	ChaCha20Poly1305 = bindings.AlgorithmChacha20Poly1305
	// XChaCha20Poly1305: XChaCha20-Poly1305, nonces of 192 bits. Streams are sealed with it.
	XChaCha20Poly1305 = bindings.AlgorithmXchacha20Poly1305
	// AES256GCMSIV: AES-256-GCM-SIV (RFC 8452). A key seals at most 2³² messages.
	AES256GCMSIV = bindings.AlgorithmAes256GcmSiv
	// HMACSHA256: HMAC-SHA-256 (RFC 2104): keys of 16 to 1024 bytes.
	HMACSHA256 = bindings.AlgorithmHmacSha256
	// HMACSHA512: HMAC-SHA-512 (RFC 2104): keys of 16 to 1024 bytes.
	HMACSHA512 = bindings.AlgorithmHmacSha512
	// HKDFSHA256: HKDF-SHA-256 (RFC 5869): keys of 16 to 1024 bytes.
	HKDFSHA256 = bindings.AlgorithmHkdfSha256
	// Ed25519: Ed25519 (RFC 8032), verified strictly.
	Ed25519 = bindings.AlgorithmEd25519
	// X25519: X25519 (RFC 7748); a shared secret of zeros is rejected.
	X25519 = bindings.AlgorithmX25519
)

// Operation is what is done with a key.
type Operation = bindings.Operation

// The operations.
const (
	// OperationImport: Bytes become a key.
	OperationImport = bindings.OperationImport
	// OperationGenerate: Random bytes become a key.
	OperationGenerate = bindings.OperationGenerate
	// OperationExport: A key becomes bytes.
	OperationExport = bindings.OperationExport
	// OperationSeal: A message becomes an envelope.
	OperationSeal = bindings.OperationSeal
	// OperationOpen: An envelope becomes a message.
	OperationOpen = bindings.OperationOpen
	// OperationEncrypt: A message is sealed with the caller's nonce.
	OperationEncrypt = bindings.OperationEncrypt
	// OperationDecrypt: The opposite of that.
	OperationDecrypt = bindings.OperationDecrypt
	// OperationSealStream: A stream is sealed.
	OperationSealStream = bindings.OperationSealStream
	// OperationOpenStream: A stream is opened.
	OperationOpenStream = bindings.OperationOpenStream
	// OperationHash: A keyed hash is computed or checked.
	OperationHash = bindings.OperationHash
	// OperationDerive: A key or bytes are derived from a key.
	OperationDerive = bindings.OperationDerive
	// OperationSign: A message is signed.
	OperationSign = bindings.OperationSign
	// OperationVerify: A signature is verified.
	OperationVerify = bindings.OperationVerify
	// OperationAgree: Two parties agree on a key.
	OperationAgree = bindings.OperationAgree
)

// Error is a failure of the library: its status, and a message in which there is no key, no text and no part of one.
type Error = bindings.Error

// The errors, which errors.Is finds. The set is closed for this version of the interface.
const (
	// ErrTooLong: A length or a count is beyond its limit.
	ErrTooLong = bindings.StatusTooLong
	// ErrInternal: A fault of the library. It was contained; handles can still be freed.
	ErrInternal = bindings.StatusInternal
	// ErrBusy: Two threads use one stream or one hash at the same time.
	ErrBusy = bindings.StatusBusy
	// ErrUnknownAlgorithm: No algorithm has this name or number.
	ErrUnknownAlgorithm = bindings.StatusUnknownAlgorithm
	// ErrNotAllowed: The policy does not allow the algorithm or the operation.
	ErrNotAllowed = bindings.StatusNotAllowed
	// ErrWrongKey: The key is of another algorithm, another number or another half than the operation needs.
	ErrWrongKey = bindings.StatusWrongKey
	// ErrInvalidKey: The bytes are no key of this algorithm.
	ErrInvalidKey = bindings.StatusInvalidKey
	// ErrInvalidNonce: The nonce does not have the length that the algorithm asks for.
	ErrInvalidNonce = bindings.StatusInvalidNonce
	// ErrInvalidLength: The algorithm cannot make a result of this length.
	ErrInvalidLength = bindings.StatusInvalidLength
	// ErrMalformed: The bytes are no envelope, or one of another operation.
	ErrMalformed = bindings.StatusMalformed
	// ErrUnsupportedVersion: The envelope is of a version that this release does not know.
	ErrUnsupportedVersion = bindings.StatusUnsupportedVersion
	// ErrRejected: What was checked is not genuine: sealed otherwise, altered, cut, or signed by another key.
	ErrRejected = bindings.StatusRejected
	// ErrExhausted: The key or the stream has been used as often as is safe.
	ErrExhausted = bindings.StatusExhausted
	// ErrEntropyFailed: The source of random bytes failed.
	ErrEntropyFailed = bindings.StatusEntropyFailed
	// ErrStreamEnded: The stream or the hash has ended, by its end or by a failure.
	ErrStreamEnded = bindings.StatusStreamEnded
	// ErrOutOfMemory: There is not enough memory for the result.
	ErrOutOfMemory = bindings.StatusOutOfMemory
)

// ErrClosed is the error of whatever is called on a box, a key or a stream that was closed.
var ErrClosed = bindings.ErrClosed
