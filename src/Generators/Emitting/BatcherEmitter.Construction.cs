namespace FastBatch.Generators.Emitting;

/// <summary>How a batcher comes to be: the factory beside the method, the fields and the constructor.</summary>
internal sealed partial class BatcherEmitter
{
    private void EmitFactory()
    {
        string isStatic = _method.IsStatic ? " static" : "";
        string arguments = _method.IsStatic ? "options" : "[this], options";
        string returns = _method.IsStatic ? "A batcher" : "A batcher of this instance";
        _writer.Lines($"""
            /// <summary>Creates a batcher that serves {MethodReference} to single callers.</summary>
            /// <param name="options">Settings; null for those of the attribute, and the defaults.</param>
            /// <returns>{returns}. Dispose it when no more requests come.</returns>
            {GeneratedCode}
            {_method.Accessibility}{isStatic} {_batcher} Create{_method.Stem}Batcher(global::FastBatch.BatcherOptions? options = null) =>
                new {_batcher}({arguments});
            """);
        if (!_method.IsStatic)
        {
            EmitFactoryOfSeveral();
        }
    }

    private void EmitFactoryOfSeveral()
    {
        _writer.Line();
        _writer.Lines($"""
            /// <summary>Creates a batcher that serves {MethodReference} to single callers on several devices, each with an instance of its own.</summary>
            /// <param name="models">The instances, in the order of the devices; given twice, one must be able to run on two threads at once.</param>
            /// <param name="options">Settings, <see cref="global::FastBatch.BatcherOptions.Devices"/> among them.</param>
            /// <returns>A batcher of these instances. Dispose it when no more requests come.</returns>
            {GeneratedCode}
            {_method.Accessibility} static {_batcher} Create{_method.Stem}Batcher(
                global::System.Collections.Generic.IReadOnlyList<{_method.TargetType}> models,
                global::FastBatch.BatcherOptions options) =>
                new {_batcher}(models, options);
            """);
    }

    private void EmitFields()
    {
        if (!_method.IsStatic)
        {
            _writer.Line($"private readonly {_method.TargetType}[] {_names.Models};");
        }

        foreach (NamedParameter input in _names.Inputs)
        {
            _writer.Line($"private readonly global::FastBatch.Lanes.InputRows<{input.Element}> {input.Field};");
        }

        if (_method.Glue is { } glue)
        {
            foreach (NamedParameter input in _names.Inputs)
            {
                _writer.Line($"private readonly global::{glue.Namespace}.TorchSharpRows<{input.Element}> {input.Tensors};");
            }
        }

        _writer.Line($"private readonly global::FastBatch.Completion.RequestPool<{_names.CopyRequest}> {_names.CopyRequests};");
        if (_method.HasLease)
        {
            _writer.Line($"private readonly global::FastBatch.Completion.RequestPool<{_names.LeaseRequest}> {_names.LeaseRequests};");
        }
    }

    private void EmitConstructor()
    {
        string parameters = (_method.IsStatic ? "" : $"global::System.Collections.Generic.IReadOnlyList<{_method.TargetType}> models, ") + "global::FastBatch.BatcherOptions? options";
        string maxBatchSize = RowText.Number(_method.MaxBatchSize);
        string maxQueueDelay = RowText.Number(_method.MaxQueueDelayMicroseconds);
        string deadline = RowText.Number(_method.DeadlineMicroseconds);
        string graphs = _method.UseCudaGraphs ? ",\n        useCudaGraphs: true" : "";
        _writer.Line();
        _writer.Line($"internal {_batcher}({parameters})");
        _writer.Line("    : base(");
        _writer.Lines($"""
                    "{_method.BatcherName}",
                    options,
                    maxBatchSize: {maxBatchSize},
                    maxQueueDelayMicroseconds: {maxQueueDelay},
                    deadlineMicroseconds: {deadline}{graphs})
            """);
        _writer.Open();
        if (!_method.IsStatic)
        {
            _writer.Line($"{_names.Models} = RequireModels(models);");
        }

        foreach (NamedParameter input in _names.Inputs)
        {
            _writer.Line($"{input.Field} = AddInput<{input.Element}>(\"{input.Name}\", {RowText.Number(input.Spec.RowLength)});");
        }

        EmitTorchSharpConstruction();
        _writer.Line($"{_names.CopyRequests} = AddRequests(static () => new {_names.CopyRequest}());");
        if (_method.HasLease)
        {
            _writer.Line($"{_names.LeaseRequests} = AddRequests(static () => new {_names.LeaseRequest}());");
        }

        _writer.Line("Open();");
        _writer.Close();
    }
}
