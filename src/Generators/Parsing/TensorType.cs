using System.Collections.Generic;
using System.Linq;
using FastBatch.Generators.Specs;
using Microsoft.CodeAnalysis;

namespace FastBatch.Generators.Parsing;

/// <summary>
/// A type of tensor that methods may take and return, which makes a family of them. Recognised by name: the generator references nothing
/// that has it.
/// </summary>
internal sealed class TensorType
{
    /// <summary>The tensor of FastBatch.Native.</summary>
    public static readonly TensorType Native = new(
        MethodFamily.NativeTensors,
        "FastBatch.Native",
        "TorchTensor",
        elements: ["Byte", "SByte", "Int16", "Int32", "Int64", "Half", "Single", "Double", "Boolean"],
        elementText: "byte, sbyte, short, int, long, Half, float, double or bool");

    /// <summary>The tensor of TorchSharp, which is nested in its class torch.</summary>
    public static readonly TensorType TorchSharp = new(
        MethodFamily.TorchSharpTensors,
        "TorchSharp",
        "Tensor",
        Native._elements,
        Native.ElementText,
        container: "torch");

    private static readonly TensorType[] All = [Native, TorchSharp];

    private readonly string[] _elements;
    private readonly string? _container;

    private TensorType(
        MethodFamily family, string @namespace, string name, string[] elements, string elementText, string? container = null)
    {
        Family = family;
        Namespace = @namespace;
        Name = name;
        _elements = elements;
        _container = container;
        ElementText = elementText;
        Text = FamilyText.Of(this);
    }

    public MethodFamily Family { get; }

    public string Namespace { get; }

    /// <summary>The name in messages.</summary>
    public string Name { get; }

    /// <summary>The name in metadata.</summary>
    public string FullName => _container is null ? $"{Namespace}.{Name}" : $"{Namespace}.{_container}+{Name}";

    /// <summary>The types its elements may have: in the namespace System.</summary>
    public IReadOnlyList<string> Elements => _elements;

    /// <summary>The same in the words of messages.</summary>
    public string ElementText { get; }

    /// <summary>What methods over it accept.</summary>
    public FamilyText Text { get; }

    /// <summary>The tensor that the method takes or returns; null for a method over spans.</summary>
    public static TensorType? Of(IMethodSymbol method)
    {
        ITypeSymbol[] types = [.. method.Parameters.Select(static parameter => parameter.Type), .. ResultsOf(method.ReturnType)];
        return All.FirstOrDefault(tensor => types.Any(tensor.Is));
    }

    /// <summary>The elements of a tuple of at least two, or the type itself.</summary>
    public static IEnumerable<ITypeSymbol> ResultsOf(ITypeSymbol type) =>
        TupleElementsOf(type) is { } elements ? elements.Select(static element => element.Type) : [type];

    /// <summary>The elements of a tuple of at least two; null for any other type.</summary>
    public static IReadOnlyList<IFieldSymbol>? TupleElementsOf(ITypeSymbol type) =>
        type is INamedTypeSymbol { IsTupleType: true, TupleElements: { Length: > 1 } elements } ? elements : null;

    public bool Is(ITypeSymbol type) => _container is null
        ? type.Is(Namespace, Name)
        : type is INamedTypeSymbol { ContainingType: { } outer } && type.MetadataName == Name && outer.Is(Namespace, _container);

    public bool HasElement(ITypeSymbol type) => _elements.Any(name => type.Is("System", name));
}
