using System.Linq;
using FastBatch.Generators.Specs;

namespace FastBatch.Generators.Emitting;

/// <summary>The extension method that adds the batcher to a service, where FastBatch.Hosting is referenced.</summary>
internal sealed partial class BatcherEmitter
{
    private void EmitRegistration()
    {
        if (_method.Registration is not { } registration)
        {
            return;
        }

        string batcher = $"{_method.TargetType}.{_batcher}";
        string reference = batcher.Replace('<', '{').Replace('>', '}');
        _writer.Line();
        _writer.Open($"""
            /// <summary>Adds <see cref="{reference}"/> to a service.</summary>
            {GeneratedCode}
            {registration.Accessibility} static class {registration.Name}BatcherRegistration
            """);
        _writer.Lines($"""
            /// <summary>
            /// Adds a <see cref="{reference}"/>
            /// as a singleton that starts and stops with the host. Its settings are those of the attribute, then those of the configuration
            /// section <c>FastBatch:{_method.BatcherName}</c>, then what <paramref name="configure"/> makes of them.
            /// </summary>
            /// <param name="builder">What <c>AddFastBatch</c> returned.</param>
            /// <param name="name">A key for its service, and for a section of its own below that of the method; null for none.</param>
            /// <param name="configure">Changes the options that configuration gives; null for no change.</param>
            """);
        if (!_method.IsStatic)
        {
            _writer.Lines("""
                /// <param name="model">Makes the instance to serve; null to take the one in the services, under the same name, or to make one.</param>
                """);
        }

        _writer.Line("/// <returns>The builder.</returns>");
        EmitAdd(registration, batcher);
        _writer.Close();
    }

    private void EmitAdd(RegistrationSpec registration, string batcher)
    {
        string generics = registration.TypeParameters.Count == 0
            ? ""
            : $"<{string.Join(", ", registration.TypeParameters.Select(Identifiers.EscapeType))}>";
        _writer.Line($"public static global::FastBatch.Hosting.FastBatchBuilder Add{registration.Name}Batcher{generics}(");
        string[] parameters =
        [
            "this global::FastBatch.Hosting.FastBatchBuilder builder",
            "string? name = null",
            "global::System.Func<global::FastBatch.BatcherOptions, global::FastBatch.BatcherOptions>? configure = null",
        ];
        string model = $"global::System.Func<global::System.IServiceProvider, {_method.TargetType}>? model = null";
        _writer.List(_method.IsStatic ? parameters : [.. parameters, model], registration.Constraints.Count > 0 ? ")" : ") =>");
        for (int i = 0; i < registration.Constraints.Count; i++)
        {
            _writer.Line($"    {registration.Constraints[i]}" + (i == registration.Constraints.Count - 1 ? " =>" : ""));
        }

        string types = _method.IsStatic ? batcher : $"{_method.TargetType}, {batcher}";
        string create = _method.IsStatic
            ? $"{_method.TargetType}.Create{_method.Stem}Batcher"
            : $"static (model, options) => model.Create{_method.Stem}Batcher(options)";
        _writer.Line($"    builder.AddBatcher<{types}>(");
        _writer.Line($"        \"{_method.BatcherName}\", name, configure, {(_method.IsStatic ? "" : "model, ")}{create});");
    }
}
