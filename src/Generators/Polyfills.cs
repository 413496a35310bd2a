namespace System.Runtime.CompilerServices;

/// <summary>Looked up by the compiler for init accessors, which records have; netstandard2.0 has none.</summary>
internal static class IsExternalInit;
