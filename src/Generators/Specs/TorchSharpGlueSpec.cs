namespace FastBatch.Generators.Specs;

/// <summary>What the file is written from that all batchers over TorchSharp's tensors share, once per assembly.</summary>
/// <param name="Namespace">Where it is: of this assembly alone, since its friends may have the same file.</param>
/// <param name="HasNative">Whether the assembly references FastBatch.Native, which can stand in for an old libtorch.</param>
internal sealed record TorchSharpGlueSpec(string Namespace, bool HasNative);
