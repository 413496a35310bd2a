namespace FastBatch.Generators.Specs;

/// <summary>The extension method that adds a batcher to a service, in an assembly that references FastBatch.Hosting.</summary>
/// <param name="Name">The types around the method and the stem in one word: <c>DigitsClassify</c>.</param>
/// <param name="Accessibility">What all of the types and the method allow: public or internal.</param>
/// <param name="TypeParameters">The type parameters of all types around the method.</param>
/// <param name="Constraints">Their constraints, a clause each. Here they must be repeated.</param>
internal sealed record RegistrationSpec(
    string Name, string Accessibility, EquatableArray<string> TypeParameters, EquatableArray<string> Constraints);
