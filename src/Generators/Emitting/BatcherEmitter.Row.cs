using System.Collections.Generic;
using System.Linq;

namespace FastBatch.Generators.Emitting;

/// <summary>Writing a row in place: the call of the writer and, for several inputs, what it is given.</summary>
internal sealed partial class BatcherEmitter
{
    private void EmitWriteRow()
    {
        if (!_method.HasWriter)
        {
            return;
        }

        IEnumerable<string> zeroed = _names.Inputs.Select(static input => input.IsScalar
            ? $"ref {input.Field}.WritableRow(row)[0]"
            : $"{input.Field}.WritableRow(row)");
        string rows = string.Join(", ", zeroed);
        string written = _method.HasRowType ? $"new {_names.Row}({rows})" : rows;
        _writer.Line();
        _writer.Lines($$"""
            private void WriteRow<{{_names.State}}>(
                global::FastBatch.Lanes.RowClaim row,
                global::FastBatch.Completion.PendingRequest request,
                {{_names.State}} state,
                {{WriterType}} write)
                where {{_names.State}} : allows ref struct
            {
                try
                {
                    write(state, {{written}});
                }
                catch (global::System.Exception exception)
                {
                    Abandon(row, request, exception);
                    return;
                }

                Publish(row, request);
            }
            """);
    }

    private void EmitRow()
    {
        if (!_method.HasRowType)
        {
            return;
        }

        _writer.Line();
        _writer.Lines($$"""
            /// <summary>Writes one request's row in place. See <see cref="global::FastBatch.RowWriter{T, TState}"/>.</summary>
            /// <typeparam name="{{_names.State}}">What the caller passes through.</typeparam>
            /// <param name="state">The value given to <c>SubmitAsync</c>.</param>
            /// <param name="row">The row, zeroed unless BatcherOptions.ZeroRows is off. Not to be kept.</param>
            public delegate void {{_names.RowWriter}}<in {{_names.State}}>({{_names.State}} state, {{_names.Row}} row)
                where {{_names.State}} : allows ref struct;

            """);
        _writer.Open($"""
            /// <summary>One request's row, in the memory that the method reads.</summary>
            public readonly ref struct {_names.Row}
            """);
        EmitRowConstructor();
        foreach (NamedParameter input in _names.Inputs)
        {
            _writer.Line();
            _writer.Lines(input.IsScalar
                ? $$"""
                    /// <summary>One value.</summary>
                    public ref {{input.Element}} {{input.Property}} => ref {{input.Field}};
                    """
                : $$"""
                    /// <summary>{{RowText.Sentence(input)}}</summary>
                    public global::System.Span<{{input.Element}}> {{input.Property}} { get; }
                    """);
        }

        _writer.Close();
    }

    private void EmitRowConstructor()
    {
        foreach (NamedParameter input in _names.Inputs.Where(static input => input.IsScalar))
        {
            _writer.Line($"private readonly ref {input.Element} {input.Field};");
        }

        if (_names.Inputs.Any(static input => input.IsScalar))
        {
            _writer.Line();
        }

        _writer.Line($"internal {_names.Row}(");
        string[] parameters =
        [
            .. _names.Inputs.Select(static input => input.IsScalar
                ? $"ref {input.Element} {input.Argument}"
                : $"global::System.Span<{input.Element}> {input.Argument}"),
        ];
        _writer.List(parameters, ")");
        _writer.Open();
        foreach (NamedParameter input in _names.Inputs)
        {
            // A parameter written like its property hides it.
            string property = _names.Inputs.Any(other => other.Name == input.Property) ? $"this.{input.Property}" : input.Property;
            _writer.Line(input.IsScalar ? $"{input.Field} = ref {input.Argument};" : $"{property} = {input.Argument};");
        }

        _writer.Close();
    }
}
