using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FastBatch.Generators.Parsing;

/// <summary>The smallest pieces of the user's source to point at. Each falls back to the next larger one.</summary>
internal static class Locations
{
    /// <summary>The symbol's name where it is declared.</summary>
    public static Location Identifier(ISymbol symbol) => symbol.Locations.FirstOrDefault() ?? Location.None;

    public static Location Attribute(AttributeData attribute, ISymbol owner) =>
        attribute.ApplicationSyntaxReference?.GetSyntax().GetLocation() ?? Identifier(owner);

    /// <summary>An argument given by name, as in <c>BatchDim = 1</c>.</summary>
    public static Location NamedArgument(AttributeData attribute, string name, ISymbol owner)
    {
        AttributeArgumentSyntax? argument = (attribute.ApplicationSyntaxReference?.GetSyntax() as AttributeSyntax)?
            .ArgumentList?.Arguments.FirstOrDefault(candidate => candidate.NameEquals?.Name.Identifier.ValueText == name);
        return argument?.GetLocation() ?? Attribute(attribute, owner);
    }

    /// <summary>One of the values of a <c>params</c> list.</summary>
    public static Location ListedArgument(AttributeData attribute, int index, int count, ISymbol owner)
    {
        // Written out one by one, unless given as an array.
        return attribute.ApplicationSyntaxReference?.GetSyntax() is AttributeSyntax { ArgumentList.Arguments: var arguments }
            && arguments.Count == count
                ? arguments[index].GetLocation()
                : Attribute(attribute, owner);
    }

    /// <summary>The T of <c>[Row&lt;T&gt;]</c>.</summary>
    public static Location TypeArgument(AttributeData attribute, ISymbol owner) =>
        TypeArgument((attribute.ApplicationSyntaxReference?.GetSyntax() as AttributeSyntax)?.Name) ?? Attribute(attribute, owner);

    public static Location ReturnType(IMethodSymbol method) =>
        Declaration<MethodDeclarationSyntax>(method)?.ReturnType.GetLocation() ?? Identifier(method);

    public static Location TypeParameters(IMethodSymbol method) =>
        Declaration<MethodDeclarationSyntax>(method)?.TypeParameterList?.GetLocation() ?? Identifier(method);

    public static Location Modifier(IMethodSymbol method, SyntaxKind modifier) =>
        Token(Declaration<MethodDeclarationSyntax>(method)?.Modifiers, modifier) ?? Identifier(method);

    public static Location Modifier(IParameterSymbol parameter, params SyntaxKind[] modifiers) =>
        modifiers
            .Select(modifier => Token(Declaration<ParameterSyntax>(parameter)?.Modifiers, modifier))
            .FirstOrDefault(static token => token is not null)
        ?? Identifier(parameter);

    public static Location Default(IParameterSymbol parameter) =>
        Declaration<ParameterSyntax>(parameter)?.Default?.GetLocation() ?? Identifier(parameter);

    public static Location Type(IParameterSymbol parameter) =>
        Declaration<ParameterSyntax>(parameter)?.Type?.GetLocation() ?? Identifier(parameter);

    /// <summary>The T of <c>Span&lt;T&gt;</c>, however it is qualified.</summary>
    public static Location ElementType(IParameterSymbol parameter) =>
        TypeArgument(Declaration<ParameterSyntax>(parameter)?.Type) ?? Type(parameter);

    private static Location? TypeArgument(TypeSyntax? type) => type switch
    {
        ScopedTypeSyntax scoped => TypeArgument(scoped.Type),
        QualifiedNameSyntax qualified => TypeArgument(qualified.Right),
        AliasQualifiedNameSyntax alias => TypeArgument(alias.Name),
        GenericNameSyntax { TypeArgumentList.Arguments: { Count: 1 } arguments } => arguments[0].GetLocation(),
        _ => null,
    };

    private static T? Declaration<T>(ISymbol symbol)
        where T : SyntaxNode =>
        symbol.DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax() as T;

    private static Location? Token(SyntaxTokenList? tokens, SyntaxKind kind)
    {
        int index = tokens?.IndexOf(kind) ?? -1;
        return index < 0 ? null : tokens!.Value[index].GetLocation();
    }
}
