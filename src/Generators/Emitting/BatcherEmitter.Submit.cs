using System.Linq;

namespace FastBatch.Generators.Emitting;

/// <summary>
/// The forms of SubmitAsync. The row is passed and copied, or written in place; the result is copied to the caller's memory, or leased
/// where the method wrote it. Single values are passed and returned as values in every form but the row written in place.
/// </summary>
internal sealed partial class BatcherEmitter
{
    private string WriterType => _method.HasRowType
        ? $"{_names.RowWriter}<{_names.State}>"
        : $"global::FastBatch.RowWriter<{_names.Inputs[0].Element}, {_names.State}>";

    private void EmitSubmitForms()
    {
        EmitSubmitForms(leases: false, inPlace: false);
        if (_method.HasLease)
        {
            EmitSubmitForms(leases: true, inPlace: false);
        }

        if (_method.HasWriter)
        {
            EmitSubmitForms(leases: false, inPlace: true);
        }

        if (_method.HasWriter && _method.HasLease)
        {
            EmitSubmitForms(leases: true, inPlace: true);
        }
    }

    private void EmitSubmitForms(bool leases, bool inPlace)
    {
        EmitSubmit(new SubmitForm(_names, leases, inPlace, hasOptions: false));
        EmitSubmit(new SubmitForm(_names, leases, inPlace, hasOptions: true));
    }

    private void EmitSubmit(SubmitForm form)
    {
        string? result = form.Leases ? LeaseType : CopyResultType;
        string task = "global::System.Threading.Tasks.ValueTask" + (result is null ? "" : $"<{result}>");

        _writer.Line();
        EmitSubmitDocs(form);
        EmitSubmitSignature(form, task);
        EmitSubmitBody(form, task);
        _writer.Close();
    }

    private void EmitSubmitSignature(SubmitForm form, string task)
    {
        string[] state = [$"{_names.State} {form.State}", $"{WriterType} {form.Write}"];
        string[] parameters =
        [
            .. form.Inputs.Select(static input => input.IsScalar
                ? $"{input.Element} {input.Argument}"
                : $"global::System.ReadOnlySpan<{input.Element}> {input.Argument}"),
            .. form.InPlace ? state : [],
            .. form.Memories.Select(static output => $"global::System.Memory<{output.Element}> {output.Argument}"),
            .. form.HasOptions ? (string[])[$"global::FastBatch.RequestOptions {form.Options}"] : [],
            $"global::System.Threading.CancellationToken {form.CancellationToken} = default",
        ];
        if (form.HasOptions)
        {
            // A bare "default" is a token, as it was before there were options.
            _writer.Line("[global::System.Runtime.CompilerServices.OverloadResolutionPriority(-1)]");
        }

        _writer.Line($"public {task} SubmitAsync{(form.InPlace ? $"<{_names.State}>" : "")}(");
        _writer.List(parameters, ")");
        if (form.InPlace)
        {
            _writer.Line($"    where {_names.State} : allows ref struct");
        }

        _writer.Open();
    }

    private void EmitSubmitBody(SubmitForm form, string task)
    {
        if (form.InPlace)
        {
            _writer.Line($"global::System.ArgumentNullException.ThrowIfNull({form.Write});");
        }

        foreach (NamedParameter array in form.Arrays)
        {
            string length = RowText.Number(array.Spec.RowLength);
            _writer.Line($"{form.Member("RequireLength")}({array.Argument}.Length, {length}, nameof({array.Argument}));");
        }

        _writer.Line(form.Leases
            ? $"{_names.LeaseRequest} {form.Request} = {_names.LeaseRequests}.Rent();"
            : $"{_names.CopyRequest} {form.Request} = {_names.CopyRequests}.Rent();");
        foreach (NamedParameter output in form.Memories)
        {
            _writer.Line($"{form.Request}.{output.Member} = {output.Argument};");
        }

        string options = form.HasOptions ? $"{form.Options}, " : "";
        string claim = $"{form.Request}, {options}{form.CancellationToken}, out global::FastBatch.Lanes.RowClaim {form.Row}";
        _writer.Line();
        _writer.Line("// Without a row the request has ended already, cancelled or refused, and its task says so.");
        _writer.Open($"if ({form.Member("TryClaim")}({claim}))");
        if (form.InPlace)
        {
            _writer.Line($"{form.Member("WriteRow")}({form.Row}, {form.Request}, {form.State}, {form.Write});");
        }
        else
        {
            foreach (NamedParameter input in form.Inputs)
            {
                _writer.Line(input.IsScalar
                    ? $"{input.Field}.Value({form.Row}) = {input.Argument};"
                    : $"{input.Argument}.CopyTo({input.Field}.Row({form.Row}));");
            }

            _writer.Line($"{form.Member("Publish")}({form.Row}, {form.Request});");
        }

        _writer.Close();
        _writer.Line();
        _writer.Line($"return new {task}({form.Request}, {form.Request}.Version);");
    }
}
