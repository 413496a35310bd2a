namespace FastBatch.Generators.Specs;

/// <summary>A type around the method, as its partial declaration names it.</summary>
/// <param name="Keyword">class, record, struct, record struct or interface.</param>
/// <param name="Name">The name.</param>
/// <param name="TypeParameters">The names of its type parameters. Constraints need not be repeated.</param>
internal sealed record TypeSpec(string Keyword, string Name, EquatableArray<string> TypeParameters);
